"""What the bundled model says about metallic, about itself, and in small talk.

Owns: INTENTS (questions about metallic and running models) and CHAT, as (phrasings, answer).
Does not own: the topics and their answers (topics.py, phrasings.py), facts (facts.py), the phrasings
kept for the test (heldout.py).
Invariant: one answer for one topic, whether asked "how do I" or "what is", so that a question
only has to name its topic; no phrasing has two answers.
"""
import phrasings
import phrasings_last
import phrasings_more
import phrasings_new
import topics_more
from grammar import expand, expand_all
from topics import TOPICS

FRAMES_DO = expand_all("""
    How [do|can|would|could|should|might] I {x}[| with metallic| in metallic]
    How [do you|does one|do we] {x}
    How to {x}[| with metallic]
    [Which|What] [flag|option|switch|argument|parameter|setting] [do I use to|lets me|do I need to|should I use to|will|can] {x}
    [Which|What] [flag|option|command] is there to {x}
    What [flag|option|command] to {x}
    What is the [flag|option|command|way|best way|right way] to {x}
    What [do|should|must|can] I [do|type|pass|write|add|run] to {x}
    I [want|need|would like|wish] to {x}
    I [want|need] to {x}, how[| do I do that]
    I'd like to {x}
    I'm trying to {x}
    I'm looking for a way to {x}
    Is there [a way|an option|a flag|a command|anything] to {x}
    Is it possible to {x}
    Can [I|you|metallic|we] {x}
    [Tell me|Show me|Explain|Explain to me] how to {x}
    [Can|Could] you [tell me|show me|explain] how to {x}
    Help me {x}
    Where [do|can] I {x}
    Any way to {x}
    Need to {x}
    With metallic, how do I {x}
    In metallic, how can I {x}
    My goal is to {x}
    Please {x}
    {x}
    {x}, how
    {x}[| with metallic]
    What if I want to {x}
    [Remind me|I forgot|I can't figure out|Would you know|Does anyone know|Do you know] how to {x}
    [I have|We need|We want|I hope|I plan|It is important] to {x}
    [Does|Would] [metallic|it] [let|allow] me [|to ]{x}
    Am I able to {x}
    I'm unable to {x}
    [What's|What is] [the trick|the right flag|the right command] to {x}
    [In order to|To] {x}, [what do I do|which flag do I use|what do I type|what is the option]
    [If|Suppose] I want to {x}[|, what do I type|, which flag is it|, what do I do]
    [the|an|which] [flag|option|way|command|setting] to {x}
    Let's {x}
    I will {x}
    how {x}
    {x} somehow
    [Could|Would|Will] you {x}
    Got [a way|an option|a flag] to {x}
    My [task|wish|plan|job|problem] is to {x}
    Someone asked me to {x}
    Before I start I want to {x}
    I often [need|want] to {x}
""")
# The same with the verb phrase as a gerund: "setting the seed".
FRAMES_ING = expand_all("""
    [What|Which] [flag|option|command|setting|switch] is [for|used for|responsible for|good for] {x}
    [the |][flag|option|command|setting|switch] for {x}
    Is {x} possible[| with metallic]
    [Does|Can] metallic [support|do|handle] {x}
    [I need help|Help me|I have trouble|I have problems] with {x}
    {x}
    {x} with metallic
    How does {x} work
    [What|How] about {x}
    [Instructions|Help|Tips] for {x}
    I am [interested in|thinking about|asking about] {x}
    What do I need for {x}
    [Tell me|Explain|I want to know] [something |more |]about {x}
    What is the [way|command|flag|option] of {x}
    Does {x} work
""")
DOUBLED = "set get run put cut stop skip drop cap split chop quit let begin".split()
FRAMES_IS = expand_all("""
    What [is|are] {x}[| in metallic]
    What's {x}
    [Explain|Describe|Define] {x}
    Tell me about {x}
    Tell me what {x} is
    What does {x} [do|mean]
    What [is|are] {x} [for|good for|used for|about]
    Can you [explain|describe] {x}
    [Could|Can] you tell me [what {x} is|about {x}]
    What do I use {x} for
    When [do|should|would] I use {x}
    Why [would|should|do] I use {x}
    How do I use {x}
    How [does {x} work|do {x} work]
    Meaning of {x}
    {x}
    {x}, what is that
    What is meant by {x}
    I don't understand {x}
    I want to know about {x}
    Do you know what {x} is
    Give me information [about|on] {x}
    [What is the |]purpose of {x}
    What is the [meaning|effect|point] of {x}
    What effect does {x} have
    How is {x} used
    Usage of {x}
    Use of {x}
    I have a question about {x}
""")
FLAG_IS = expand_all("""
    --{f}
    the --{f} [flag|option|switch|argument|parameter]
    the [flag|option|argument|parameter] --{f}
    the {f} [flag|option|parameter|setting|argument]
    {f}
""")
FLAG_Q = expand_all("""
    What happens [if I|when I] [use|pass|set|give] --{f}
    What does --{f} [change|control|set|accept|take]
    What can I pass to --{f}
    What value does --{f} take
    How do I [set|use|pass|change] --{f}
    How do I set the {f}
""")
COMMAND_IS = expand_all("""
    metallic {f}
    the {f} [command|subcommand]
    the [command|subcommand] [metallic |]{f}
    the metallic {f} [command|subcommand]
""")
COMMAND_Q = expand_all("""
    What happens [if I|when I] run metallic {f}
    How do I run metallic {f}
    What does metallic {f} [print|show|give]
    What does metallic {f} do
""")

CHAT = """
= Hello! What can I do for you?
[Hello|Hi|Hey|Hi there|Hello there|Good morning|Good evening|Good afternoon|Good day|Greetings|Howdy|Yo|Hey there|Hi metallic|Hello metallic|Hiya|What's up|Morning|Hello, how can you help me|hey you]
[Hello|Hi|Hey], [bot|friend|computer|there|model|metallic]

= You're welcome.
[Thanks|Thank you|Thx|Thank you very much|Thanks a lot|Many thanks|Thank you so much|Cheers|Great, thanks|Perfect, thank you|Ok thanks|Thanks for your help|Thank you for the answer|Much appreciated|thanks metallic|Nice, thanks|ty|I appreciate it|That helped|That was helpful]

= Goodbye.
[Bye|Goodbye|See you|Bye bye|See you later|Good night|I have to go|Farewell|Take care|Until next time|ciao|That's all|I'm done|bye for now|see ya|good bye]

= I'm fine, thanks.
[How are you|How are you doing|How do you feel|Are you ok|How is it going|How's it going|How are you today|Are you well|how r u|How have you been|Everything ok]

= OK.
[Ok|Okay|Alright|Fine|I see|Got it|Understood|Sure|Yes|No|Good|Great|Nice|Cool|Well done|Good job|Perfect|Awesome|Right|Correct|That is right|Very good|Interesting|Wow]

= Sorry about that. I am a very small model.
[That is wrong|That's wrong|Wrong|You are wrong|That is not right|This is incorrect|That is incorrect|You made a mistake|That's not correct|No, that is wrong|Your answer is wrong|That makes no sense|Nonsense|You are stupid|You're stupid|Bad answer|That is a mistake|You are useless]

= I am the small model bundled with metallic.
[Who|What] are you
[What is|What's|Tell me] your name
Do you have a name
[Which|What] model [are you|is this]
Who am I [talking|speaking|chatting] [to|with]
Introduce yourself
Tell me [about yourself|who you are|what you are]
What should I call you
Describe yourself
[Are you|Is this] [a model|a language model|an AI|a bot|a chatbot|a machine|a program|a computer]
What kind of model are you
what r u
Who is this
What am I talking to
Say something about yourself

= No. I am the small model bundled with metallic.
Are you [ChatGPT|GPT-4|Claude|Qwen|Gemini|Llama|Siri|Alexa|a large model|a big model|human|a human|a person|a real person|GPT|an assistant by OpenAI|Mistral|Copilot]

= I can add, subtract, multiply, sort, spell, and answer simple questions and questions about metallic.
What can you do
What are you able to do
What do you know
What can I ask[| you]
What [kind|sort|kinds] of questions can you answer
[Help|Help me|Can you help me|I need help]
What are you good at
What are your [skills|abilities|capabilities|talents]
How can you help[| me]
What do you do
List your [skills|abilities]
What are you for
What topics do you know
Which questions can you answer
What else can you do
Show me what you can do

= I was trained by the metallic project.
Who [made|trained|created|built|wrote|developed|programmed] you
Where do you come from
Who is your [maker|creator|author|developer]
How were you [made|trained|created]
Who do you belong to
What were you trained on

= I have about 7 million parameters.
How [big|large|small] are you
How many parameters do you have
What is your size
How many [parameters|weights] [are you|have you got]
What size are you

= I only speak English.
[Do|Can] you speak [German|French|Spanish|Italian|Chinese|Japanese|Russian|Portuguese|another language|other languages|English]
[Which|What] languages do you speak
Can you [talk|answer] in [German|French|Spanish|Chinese]
How many languages do you speak
"""


def _blocks(text):
    answer, lines = None, []
    for line in text.strip().splitlines():
        line = line.strip()
        if line.startswith("= "):
            if answer:
                yield answer, lines
            answer, lines = line[2:], []
        elif line:
            lines.append(line)
    yield answer, lines


def gerund(phrase):
    verb, *rest = phrase.split(" ")
    if verb in DOUBLED:
        verb += verb[-1]
    elif verb.endswith("e") and not verb.endswith("ee"):
        verb = verb[:-1]
    return " ".join([verb + "ing"] + rest)


def _phrasings(lines):
    """(weight, phrasings) groups: each line of a block is one group, so that a line that expands
    to thousands does not drown one that expands to three."""
    for line in lines:
        kind, pattern = line.split(": ", 1)
        if kind in ("flag", "command"):
            frames, whole = (FLAG_IS, FLAG_Q) if kind == "flag" else (COMMAND_IS, COMMAND_Q)
            yield FRAMES_IS, [f.format(f=pattern) for f in frames]
            yield None, [f.format(f=pattern) for f in whole]
        elif kind == "q":
            yield None, expand(pattern)
        elif kind == "do":
            phrases = expand(pattern)
            yield FRAMES_DO, phrases
            yield FRAMES_DO, phrases
            yield FRAMES_ING, [gerund(phrase) for phrase in phrases]
        else:
            yield FRAMES_IS, expand(pattern)


def _intents():
    found = {answer: list(_phrasings(lines)) for answer, lines in [*_blocks(TOPICS), *_blocks(topics_more.TOPICS)]}
    for begin, lines in [*_blocks(phrasings.MORE), *_blocks(phrasings_more.MORE), *_blocks(phrasings_last.MORE),
                         *_blocks(phrasings_new.MORE)]:
        answers = [answer for answer in found if answer.startswith(begin)]
        assert len(answers) == 1, (begin, answers)
        found[answers[0]] += [(None, expand(line)) for line in lines]
    return list(found.items())


# [(answer, [(frames or None, phrases)])]
INTENTS = _intents()
SMALL_TALK = [(expand_all("\n".join(lines)), answer) for answer, lines in _blocks(CHAT)]

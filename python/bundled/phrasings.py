"""More ways to ask about each topic of about.py: whole sentences in the words of different people.

Owns: sentences only. Does not own: answers (about.py names them; here only their beginning).
Invariant: none of them is a held-out phrasing (conversation.question refuses those anyway).
"""

MORE = """
= Use --gguf-path
[how|where] [do|can|should] I [say|tell it|indicate|state|declare|name] [which|what] [model|weights|network|gguf|GGUF file] [to use|to run|to load|it should use|it should take]
[I have|I've got|there is|I own|I keep] [a|my|this] [gguf|GGUF|qwen|Qwen2.5|big|large|1.5B|7B|0.5B] [model|file|checkpoint|weights file] [here|on disk|on my drive|in my home folder|in a folder|on my SSD], [how do I use it|how do I make metallic use it|how do I start it|how can I run it|what do I type|how do I load it|how do I get metallic to take it]
[make|let|have] [metallic|it|the program] [load|take|use|open|run|read] [my|another|this|a] [weights|model|gguf|GGUF|network|checkpoint]
[which|what] [argument|option|flag|parameter] [takes|names|selects|gives|holds|points to|is for] the [model|weights|model file|gguf|GGUF file|weights file|path of the model|checkpoint]
[location|path|name|place] of the [model|weights|gguf] file
[use|try|take|load|run] [different|other|better|larger|external|custom|newer] [weights|models|model|checkpoints]
[how|where] do I [specify|supply|provide|enter|put] the [weights|path|file name of the model|model location|gguf path]
run [qwen2.5-7b.gguf|model.gguf|this gguf|my gguf|the 7B model|qwen2.5-0.5b.gguf]
the [flag|option] for [the model|model files|weights|loading a model|the gguf path|choosing a model]
can it use [models|a model|weights] [from disk|that I have|from a folder|other than its own|of my own]

= Use --prompt
[what|which] [flag|option|argument|parameter] [takes|is for|holds|carries|gives|contains] [my|the] [question|text|prompt|input|message|query|request]
[how|where] [do|can|should] I [type|put|enter|say|state|write|give] [what I want to ask|my question|what to ask|my request|the text to answer|the words for the model|my input]
how [do|can] I [hand|forward|present|submit|deliver] [a|my|the] [question|text|message|prompt|query|request] [to|over to] [the model|metallic|it]
[start|run|call] [it|metallic] with [a question|a prompt|my question|some text|a message]
ask [metallic|the model|it] [something|a thing|a question|about the weather] [in one line|in a single command|without a file|on the shell|in one go]
[the flag|the option|the argument] for [the prompt|my question|the input|input text|asking something|asking a question]
how do I [make|get] [it|the model] [to answer|answer] [my question|a question|something]
user [prompt|input|text|message] [option|flag]
[chat|speak|communicate] with the model from the command line
I want [an answer|the model to answer a question|to ask something], [what do I type|which flag]

= Use --system
[what|which] [flag|option|argument|switch] [holds|takes|sets|is for|gives|carries] [the system prompt|the system message|system instructions|general instructions|a persona|a role|the instructions]
[can|may|how do|how can] I [give|assign|provide|set] [it|the model|the assistant|the bot] [a persona|a role|a character|a personality|standing instructions|rules|general instructions|background|a style|some rules|an identity|general rules]
[make|let|have] [it|the model|the assistant] [answer|talk|speak|behave|respond|write] [like a pirate|as a teacher|politely|in a certain style|in French|as an expert|like Shakespeare|in a role|briefly by instruction|formally]
[where|how] do [general|standing|global|permanent|persistent] instructions [go|get in|work]
[prepend|add|insert|include] [a system message|a system prompt|instructions|an instruction] [before|to|in] [the prompt|the chat|the conversation|my question]
[persona|role|behaviour|behavior|character|instructions] of the [assistant|model|chat|bot]
tell the model [who it is|what it is|how to answer|to be polite|to act as something]
system [prompt|message|instruction|text|role] [option|flag|for the chat|of the chat]

= Use --max-tokens
the [reply|answer|output|text|response] should [have|be|contain] [at most|no more than|only|fewer than] [N|20|50|100|ten|a hundred] [tokens|words][| long]
[it|the model|metallic] [talks|writes|says|prints|babbles|rambles] [too much|too long|for too long|way too much|on and on|endlessly|forever|without end]
[how|what] can I [keep|make|hold] [replies|answers|responses|it|the reply|outputs] [brief|short|small|compact|concise|within a limit]
[I only|I just|we only] [want|need] [10|ten|a few|five|50|some] tokens[| of output| of text| back]
[what|which] [flag|option|number|setting] [limits|bounds|caps|controls|restricts|sets] [the length|the answer|how much it writes|how long the answer is|the output|generation|the reply|the amount of text|how many tokens come out]
[upper|maximum|hard] [limit|bound|cap] [on|for|of] [the output|tokens|the answer|generation|the length|generated tokens|new tokens]
[let|make|have] it [write|produce|generate] [more|less|fewer tokens|more tokens|longer texts|a longer text|one sentence only]
[how|why] [long|short] is [the|an|my] [answer|output|reply|response]
[stop|end|quit] [after|at] [a number of|N|100|twenty|some|so many] tokens
generate [only|just|exactly] [one|five|10|a few] [token|tokens]
[the answer|my text|the reply|output] [stops|ends|breaks off] [too early|in the middle|before it is finished|halfway]
[the flag|the option|the setting] for [the output length|answer length|the number of tokens|the token limit|limiting the output|the length of the answer]
number of [new|output|generated] tokens

= --temperature T
[the|its|my] [replies|answers|outputs|texts|responses|results] are [boring|dull|always the same|too wild|too predictable|too creative|crazy|too dry|not creative|too similar|monotonous|chaotic][|, what can I do|, how do I change that|, which flag helps]
[which|what] [setting|number|value|flag|option|knob|parameter] [makes|controls|changes|sets|affects] [it creative|the creativity|randomness|the randomness|how random it is|how creative it is|it more creative|the model more random|how wild the answers are|the variety|the diversity]
[how|can I] [get rid of|remove|eliminate|avoid|add|introduce|reduce|tune|scale] [randomness|the randomness|random choices|chance|creativity|variety|more variety|the noise]
[always|only|just] [choose|take|use|pick|select|sample] the [top|best|likeliest|most likely|most probable|first|highest scoring] token[|, how|, which flag|, what number]
[spice|liven|cool|calm] [it|them|the answers|the output] [up|down]
[make|have] [it|the model|answers|sampling] [colder|hotter|warmer|more imaginative|more conservative|more focused|less wild|more lively|more interesting|bolder|safer|more careful|surprise me]
[turn|switch] [sampling|random sampling|randomness|chance] off
[no|without] [randomness|sampling|chance|random choices] [please|at all]
[argmax|greedy|deterministic] [decoding|mode|generation|choice|sampling|search|output]
what does temperature [0|1|zero|0.7|0.8|2|one] [do|mean|give]
is [a temperature of 0.7|0.8|a high temperature|temperature 0] [good|right|random|greedy|deterministic]
[hot|cold|high|low] temperature

= --top-k K
[sample|choose|pick|draw|select] [only |just |][among|from|out of] the [fifty|forty|40|50|k|ten|20|hundred|top|few] [best|likeliest|most likely|top|most probable|highest] [candidates|tokens|choices|words|options]
[restrict|limit|narrow|reduce|confine] [sampling|the choice|candidates|the candidates|the selection|the tokens|it] to [the|a] [40|50|k|top|ten|fixed number of|few|first k] [best|likeliest|most likely|candidates|tokens|most probable tokens|likeliest tokens|best candidates]
[how|what] [many|number of] candidates [are considered|does it consider|stay|remain|are kept|does sampling use|to keep]
what's [top_k|top-k|topk|top k] [about|for|good for|doing]
what does [the top-k number|the number k|top-k 40|top_k|k in top-k|top-k 1] [mean|do]
how is [top-k|top_k|top k] [set|used|chosen|given]
[keep|use|allow] only [the |][40|k|50|a fixed number of|ten|few] [candidates|tokens|best tokens|best candidates|options|top tokens]
the k [best|top|likeliest|most probable] [tokens|candidates|words]
[candidate|fixed] [count|number] for sampling

= --top-p P
[turn on|switch on|activate|apply|do|have|enable] [nucleus sampling|top-p|the nucleus|top_p|nucleus mode|the nucleus method]
[which|what] [flag|option|setting|switch] is [for|about] [cumulative probability|nucleus sampling|the probability mass|the nucleus|probability mass|the cumulative sum]
what does [top-p|top_p|top p] [0.9|0.95|1|.5] [do|mean]
[keep|sample from|use|choose from] the [smallest set|tokens|set] [that covers|covering|with|that reaches|holding] [90 percent|p|0.9|95%|most|a share] of the probability[| mass]
[limit|cut|restrict|truncate] [sampling|the choice|the tail|tokens|candidates] by [probability mass|cumulative probability|total probability|summed probability]
how [does|do I use|is] [the nucleus|nucleus sampling|top_p|top p|the nucleus method][| work| used| set]
[cut|chop|drop] [off |]the [long |]tail of [the distribution|unlikely tokens by mass|the probabilities by their sum]
explain [top p|top_p|top-p|nucleus]
[probability mass|cumulative probability|nucleus] [cutoff|limit|threshold|sampling|filter]

= --min-p P
[is there|I want|set|can I set|use] a [probability floor|floor for probabilities|floor|minimum probability|relative cutoff|lower bound on probability|threshold for unlikely tokens|probability threshold][| for tokens]
[exclude|remove|drop|forbid|eliminate|ignore|skip|prune|filter] [very |][improbable|unlikely|rare|low probability|bad|weird|odd|tiny probability] [tokens|candidates|words|choices]
[which|what] [flag|option] [removes|drops|excludes|filters|throws out|cuts] [improbable tokens|tokens with small probability|unlikely tokens|tokens with low probability|rare tokens|strange tokens]
what's [min p|min_p|minp|min-p] [for|about|good for|]
how [do I use|does|is] [min_p|min-p|min p][| work| set]
tokens [below|under] [a|some|a certain] [fraction|share|part|percentage] of the [best|top|most likely] [one|token|probability]
[relative|minimum] probability [cutoff|threshold|limit|filter|bound]

= --repeat-penalty X
[the model|it|the output|the answer|metallic] [says|writes|prints|produces|gives] the same [sentence|word|phrase|thing|words|line|text] [over and over|again and again|all the time|many times|forever|in a loop|constantly|repeatedly][|, what helps|, what can I do|, how do I stop that]
[discourage|suppress|forbid|prohibit|counter|cure|fix|limit|curb|get rid of|eliminate] [repeating|repetition|repetitions|repeated words|loops|duplicates|repeated phrases|endless loops|repetitive text]
[the model|it|generation|the text|the output] [is stuck|gets stuck|runs|hangs|is caught] in a loop[|, what now|, what helps]
[break|get|free|pull] [the model|it] out of [a|the|its] loop
[make|let] [the output|the text|it|answers|the model] less [repetitive|repetitious|redundant|looping]
[which|what] [flag|option|penalty] [helps against|is against|reduces|prevents|stops|fights] [repetition|loops|repeating|repeated text|repeats]
[repetitive|repeating|looping|redundant] [text|output|answers|model]
[lower|reduce|decrease] the [chance|probability] of [used|seen|earlier|previous|repeated] tokens
why [do I get|is there|does it print] the same [word|sentence|text] [again and again|many times|over and over]
how [does|do I use|is] [the repetition penalty|repeat penalty|repeat_penalty][| work| set]
[stop|avoid] [saying|printing|writing] everything twice

= --presence-penalty X
[which|what] penalty is [a |][fixed|constant|flat|the same for all seen tokens|independent of the count|one-time][| amount]
what is [presence-penalty|presence penalty|presence_penalty] [good for|about|for]
[a|use a|set a] [fixed|flat|constant] [penalty|amount|deduction] [for|from] [tokens|every token|words] [that appeared|seen|already used|that were there]
[encourage|favor|promote|get|talk about] [new topics|novelty|new words|fresh words|other topics|different subjects|new subjects|something new]
[lower|reduce|punish] [any|each|every] token that [is|was] [present|there|in the text|used]
how is [presence_penalty|the presence penalty] [set|given|used]
penalty for [being present|presence|having appeared]

= --frequency-penalty X
[which|what] penalty [grows|increases|rises|scales|gets larger] with the [count|frequency|number|number of uses|occurrences][| of a token| of the token]
what's [frequency_penalty|frequency penalty|frequency-penalty] [good for|about|for|]
[penalize|punish|lower|reduce|discourage] [tokens|words|frequent ones] [the more often they appear|by their count|according to how often they were used|in proportion to their count|that appear often|by frequency|the more often they occur]
a penalty [proportional to|that depends on|for each|by] the [count|frequency|occurrence|number of occurrences]
[overused|frequent|common|often used] [words|tokens] [should become rarer|get a penalty|are a problem|are lowered]
how is [frequency_penalty|the frequency penalty] [set|given|used]
each [occurrence|use|appearance] of a token [lowers|should lower] it

= --repeat-last-n N
how far [does|do|back does|back do] the [repetition|penalty|penalties|repeat|repetition penalty] [window|range|history|memory|] [reach|go|look|extend|stretch]
what does [repeat-last-n|repeat_last_n|the repetition window] [control|change|mean|do|limit]
how many [recent|previous|past|earlier|last] tokens [are penalized|count for the penalties|does the penalty see|do penalties consider|are checked for repetition|are looked at|do the penalties cover|enter the penalty]
[window|range|span|length|size] of [the penalties|the repetition penalty|repetition control|penalized tokens|the penalty history]
[make|let] the [penalty|penalties|repetition penalty] [see|cover|consider|apply to] [more|fewer|only the last|only recent|the last 64|all] tokens
[widen|narrow|enlarge|shrink] the [penalty window|range of the penalties|repetition window]

= --seed N
[I'd like|I want|I need|give me|how do I get] [identical|the same|exactly the same|equal|unchanged|constant] [output|results|text|answers|output again|result] [on each run|every time|each time|again|on every run|in each run|twice|always|for every run]
how are [results|runs|answers|samples] [made repeatable|made reproducible|reproduced|repeated|kept the same]
[my|the] [results|answers|outputs|runs] [differ|change|vary|are different|are not the same] [on every run|each time|from run to run|every time|between runs][|, how do I fix that|, why|, what can I do]
[initialize|initialise|fix|control|pin|freeze|start] the [random number generator|generator|random numbers|RNG|dice]
[which|what] [flag|option|number] makes [runs|results|sampling|it|the output] [repeatable|reproducible|the same every time|identical]
[random|fixed|same] seed
[reproducibility|reproducible runs|repeatable results|reproducible output]
[want|get] [a new|another|different|other] [random|] [answer|result|sample] [with sampling|on each try]
[replay|redo|recreate|reproduce] [an earlier|a previous|the last|an old] [answer|run|result|output]

= --context-length N
[how|what] [large|big|long|wide] can the [window|context|context window|history|prompt] [be|get|become][| and how do I set it]
[enlarge|widen|grow|expand|stretch|shrink|cut|double|shorten] the [context|window|context window|context length|context size][| to 8192| to 4096| to 32k|]
[make|have|get|find] [room|space] for [a long|a longer|long|more|a big] [document|prompt|text|conversation|context|texts|chat]
[what's|which is] the [flag|option|setting|number] for the [context|window|context window|context size|length of the context]
[my|the|a] [document|conversation|input|chat] [does not fit|is too long|is too large|is longer than the context|needs more room]
[increase|raise|set|limit|reduce] the [maximum context|number of tokens in the context|token window|prompt limit|maximum prompt length|size of the window]
[maximum|longest] [context|prompt|conversation|window] [length|size|]
how [much|many tokens] can it [remember|keep in mind|hold|see at once]
[context full|context overflow|out of context|context exceeded]

= --threads N
[let|make|have] it [use|run on|work on|run with|employ] [eight|four|8|4|two|16|more|fewer|many|a few|several|one|half of my] [cores|threads|CPUs|processors|CPU cores|cpus|cpu cores]
how is the [thread count|number of threads|parallelism|core count|number of cores] [configured|set|chosen|given|changed|specified]
[which|what] [flag|option|setting] [sets|is for|controls|changes|limits] [threads|the threads|parallelism|cores|the cores|parallel threads|CPU cores|the thread count|how many cores run|multithreading]
[use|take|occupy|need] [less|more|only some|half] of [my|the] [CPU|processor|cores|computer]
[number|amount|count] of [threads|cores|workers|CPUs|worker threads|cpu cores]
[parallel|multi-threaded|multithreaded|single-threaded|concurrent] [execution|run|generation|mode|processing|decoding]
it [uses|takes|occupies] [all my|too many|only one|too few|every] [cores|core|threads|CPUs]
[speed it up|go faster] with [more threads|more cores]
[leave|keep] some [cores|CPUs] free
one thread [only|per core]

= --backend NAME
how [can|do] I [make|let|have|get] [it|metallic|this|the model] [use|run on|work on|execute on|to use|onto] [my|the|a] [graphics processor|graphics card|GPU|video card|NVIDIA GPU|card|accelerator|RTX 4090|graphics hardware|Apple chip|M2|nvidia]
what [choices|options|values|possibilities] [are there for|does one have for|exist for] the [device|machine|backend|hardware|processor]
[does|will|can] [this thing|this|metallic|it|the program] [use|need|exploit|take advantage of|benefit from|profit from|work with|see|find] [my|the|a|an] [NVIDIA GPU|graphics card|GPU|RTX card|AMD GPU|Apple GPU|accelerator|M1|video card|CUDA device|H100|Mac's GPU]
[switch|change|move|go] [to|over to] [CUDA|cuda|the GPU|metal|Metal|the CPU|another device|the graphics card|cpu]
[I want|I'd like|I need|how] to [stay on|remain on|run on|compute on|calculate on|be on] the [CPU|processor|GPU|graphics card|cpu|gpu]
[which|what] [device|machine|hardware|processor|chip] [will|does|should] [it|metallic|the model|inference] [run on|use|compute on|choose|take]
[select|choose|set|name|pick] [the compute device|the device|cuda|cpu|metal|a device|where it runs|the accelerator|the hardware|the processor]
[GPU|CUDA|Metal|cuda|graphics|hardware] [acceleration|mode|execution|inference|offload|offloading|version]
[flag|option] for [CUDA|the GPU|the device|the backend|GPU use|cuda|Metal]
[only|just] [the |][CPU|cpu|GPU|gpu] please
[run|put|offload] [the model|layers|it|everything] [on|to|onto] [the GPU|CUDA|a GPU|my graphics card|the card]

= --output-format chooses
[which|what] [formats|kinds|forms|types|styles] of output [may I|can I|could I|should I] [pick|choose|get|have|ask for|select]
what are the [values|choices|possibilities|options|possible values] [of|for] [--output-format|output-format|the output format|the output]
what are the [possible|available|different|supported|allowed] [output formats|formats|output types|kinds of output]
how is the [format|form|style] of [the output|the answer|the reply|what it prints] [chosen|set|selected|changed|given]
[print|write|show] the answer in [another|a different] [format|form|way]
[output|answer] [formats|style|format]
[change|select|switch] [how the answer is printed|how it prints|the way it prints|the output style|output formats]

= Use --output-format json for
the [result|answer|output|reply|response] should be [machine readable|machine-readable|JSON|structured|easy to parse|a json document|in json|readable by programs]
how [do|can] I [obtain|receive|get|ask for|request|have] [a json document|a JSON reply|JSON|json back|structured results|structured data|the reply as JSON|the result as json|an answer in JSON|machine-readable results]
[can|could] I [have|get|see] [the|its] [reply|answer|result|output|response] [as|in] [JSON|json]
[use|call|run|drive|invoke] [it|metallic] from [a script|Python|a shell script|bash][| and parse the result| and read the answer]
where [do I see|are|can I find] [the timings|timings of a run|how long it took|the token counts|the number of tokens used|the statistics|the finish reason]
[token ids|timings|token counts|finish reason|statistics|metadata] [of|for|about] [the answer|a run|the run|each run]
[json|JSON] [output|format|mode|document|result|please|answer]
[how long|how many tokens] did [it|the answer|the run|generation] take
[parse|process] the [answer|output|result] [with a program|with jq|automatically|in Python]

= Use --output-format jsonl
[give|print|show|send|stream] [me |]one [event|object|record|JSON object|json] [per|for each|on each|a] [line|token]
what is [jsonl|JSONL|json lines] [good for|for|about]
[can|could|should] [the events|events|tokens|results|the output] be [streamed|printed|written|sent] as [json lines|jsonl|JSON lines|events|JSON]
[a line|an event|one line] of JSON for [each|every] [token|event|step]
[JSON|json] [events|stream|streaming|lines|per line|line by line|for each token|as it comes]
[incremental|line-delimited|newline-delimited|streamed|streaming] [JSON|json|output as json|events]
[follow|watch|read|process] [tokens|the events|the answer|generation] [line by line in json|as json while it runs|as a stream of events|event by event]

= Use --output-format text
[I only|I just|we only] [want|need|care about] the [plain|bare|pure|raw|] [answer|text|answer text|reply|text of the answer|words]
[print|show|write|output] [nothing but|only|just] [the|its] [answer|text|reply|answer text|plain text|generated text]
[plain|simple|normal|pure] [text|output|answer]
[no|without] [JSON|extra output|statistics|decoration|anything around the answer]
[text|plain] [only|mode|format|answer]
[leave out|drop] everything but the answer

= Use --output-format none
[run|start|use|execute] it without [printing|showing|writing|any output of|displaying] [the answer|anything|text|the text|output]
how [can|do] I [silence|mute|turn off|switch off|disable|drop|discard|throw away] [the output|all output|output|the answer|printing|the text]
[don't|do not|never] [print|show|write|output] [anything|the answer|any text|a thing]
[silent|mute|no output|no printing|nothing printed] [mode|run|please|]
[measure|time] [it|a run] without printing[| the answer]
[no|zero] [output|text|printing]

= --raw gives
[I don't|I do not] want the [chat template|template|ChatML|chat format|formatting][| applied| used| around my prompt]
what's [the raw switch|raw|raw mode|the raw option|--raw for]
[send|give|pass|submit|feed] [text|the prompt|my text|input|it] [to the model |][without|with no] [a template|the template|the chat template|formatting|any formatting|wrapping|chat formatting|roles]
[I want|do|use|how about] [plain|simple|pure|text|raw] [completion|continuation][| of a text]
[complete|continue|extend] [my|a|this] [sentence|text|paragraph|story][| without a chat| as it stands]
[unformatted|raw|bare|verbatim|untouched] [prompt|text|input|mode]
[use|run|prompt] a base model
[no|without] [chat template|template|chat|roles]
the prompt [exactly|just] as [I wrote it|it is|typed]
[disable|suppress|omit] [prompt formatting|the ChatML wrapping|chat formatting]

= --logprobs K
[I want|I'd like|how] to [look at|see|inspect|know|print] [probabilities|the probabilities|the odds|the likelihood|the likelihoods|the scores] [of|for] [alternatives|tokens|each token|every token|other tokens|the alternatives|the tokens]
how [probable|likely|certain|confident|sure] [was|is|were] [each token|every token|a token|the model|it|the tokens]
[print|show|list|give me|display] [the top 5|the best|five|other|the runner-up|some|ten] [alternatives|candidates|tokens|alternative tokens][| for every token| at each step| with their probabilities|]
[log|token] [probability|probabilities|likelihoods|probs]
[which|what] other tokens [were possible|could it have taken|were likely|came close|did it consider]
[get|have|see|obtain|return] [logprobs|log-probabilities|log likelihoods|confidence values|the confidence|token likelihoods]
[confidence|probability|likelihood] of [the answer|a token|each word|the tokens]

= --stop S
[generation|the answer|it|output|the text|the model] [has to|should|must|needs to|shall] [end|stop|halt] [at|when it writes|before|at the word|as soon as it says|on] [END|the word END|a newline|a period|a word|some text|"User:"|a marker|###|a certain string]
[can|could] [generation|it|the model|the answer] [stop|end|be stopped] at a [particular|special|specific|given|certain|chosen] [string|word|text|sequence|marker|phrase]
[how do I|let me|I want to] [give|define|specify|add|use|set] [a stop sequence|stop sequences|an end marker|stop words|a stop marker|a terminator|stop tokens|a stop text|an ending string]
[stop|halt|end|finish|cut off|quit] [when|as soon as|once] [it|the model|the answer] [writes|says|reaches|prints|contains|produces] [something|a word|a string|"User:"|END|a newline|a given text]
[stop|end|termination] [sequence|marker|string|word|text|condition|phrase|strings|sequences]
what does the stop [flag|option|argument] do
[end|stop] on [a newline|"###"|a keyword|a pattern|certain words]

= --prompt-file F
my [prompt|question|text|input] [lies|is|is stored|sits|is saved] in [prompt.txt|a file|a text file|question.txt|a document|input.txt][|, how do I use it]
can I [pipe|stream|redirect|send|echo] [something|text|a file|data|a prompt|my prompt|the output of another program] [into it|into metallic|to it|to metallic|in]
can [the|my|a] [prompt|question|input|text] [come|be read|be taken|be loaded] from [a file|disk|standard input|a text file|stdin|another program]
[read|take|load|get|fetch] [the|my|a] [prompt|question|input|long prompt|text] [out of|from|off] [a file|stdin|standard input|prompt.txt|a text file|disk|a pipe]
[what|which] [flag|option] [reads|takes|loads] [a file|the prompt from a file|a prompt file|stdin|standard input|files|a text file]
what does [prompt-file -|--prompt-file -|a dash as prompt file|- as a file name] mean
[use|give|feed] [a file|a text file|stdin|standard input|a long text|a document] [as the prompt|as input|for the prompt|to the model]
[stdin|standard input|a pipe|pipes|piping|redirection] [support|works|as input|for the prompt|]
[cat|echo] [a file|text|prompt.txt] [into|to|piped into] metallic
the prompt is too long for the command line
[long|multi-line|multiline] prompts

= Run metallic tokenize TEXT
how [do|can|would] I [find out|learn|see|know|determine|check] [how many tokens|the tokens|which tokens|the token count] [my text has|a text has|of my text|of a sentence|there are in my text|are in a text|a prompt has]
[which|what] [command|subcommand] [cuts|splits|turns|breaks|divides|encodes|tokenizes] [text|a text|sentences|strings|words|my text] [into tokens|into ids|to tokens|]
[count|number|amount] of tokens [in|of] [a text|my text|a sentence|a file|this|a prompt]
[tokenize|encode|split|cut] [this|this sentence|my words|a paragraph|a document|hello world][| for me|, which command]
[text|words|a sentence|a string] [to|into] [tokens|ids|token ids|numbers]
[see|show|get|print|look at] [how|in which way] [a text|my text|a word|a sentence] [is split|is tokenized|becomes tokens|is cut into tokens|breaks into tokens]
[try|use|run|test] the tokenizer
token [ids|count|list|counter] of [a|my] [text|sentence|string]

= Use metallic tokenize --batch
[tokenize|encode] [lots|plenty|a list|hundreds|a big file|a whole data set|a collection] of [lines|texts|sentences|strings|documents][| at once| in one go]
is there [batch|bulk|mass] [tokenization|tokenizing|encoding]
[batch|bulk] [tokenize|tokenization|encode|mode of tokenize]
[tokenize|encode] [every line of a file|line by line|a file of texts|each line of a jsonl file|a jsonl]
[many|thousands of|several] texts [to tokens|into ids|to tokenize]

= Run metallic detokenize
[I have|given|I got|there are] [ids|token ids|tokens|numbers|a list of ids] [and want|and need|, I want|, show me] [text|the text|words|the words]
how do [token ids|ids|tokens|numbers] [become|turn into|get back to|go back to] [text|words|a sentence][| again]
[decode|convert back|reverse|translate back|undo] [a list of ids|tokens|the tokenization|token ids|ids|tokenization|ids to text|the ids]
[ids|tokens|token ids|numbers] [to|into|back to] [text|words|a string]
[which|what] [text|word|piece|string] [is|belongs to|stands for|has] [token|id|token id|number] [100|5|42|N|1234]
[opposite|inverse|reverse] of [tokenize|tokenization|tokenizing]

= Run metallic logits
how [do|can] I [export|save|write|obtain|extract|dump|store] [logits|the logits|raw scores|the scores|model outputs|the model's outputs] [as a numpy array|to a file|to disk|as npy|for analysis|into an npy file|]
[which|what] [command|subcommand] [writes|makes|produces|creates|exports|dumps] [an npy|an npy file|logits|a numpy file|the logits|raw scores]
[compare|check|verify|validate] [logits|the numbers|the model|outputs|scores] [with|against] [transformers|PyTorch|numpy|a reference|Hugging Face|another implementation|the reference]
[numpy|npy] [file|output|array|export]
[logits|scores|outputs] [to a file|as a file|for every token|of some tokens|in numpy]

= Logits are
explain [what a logit is|what logits are|logits to me|the logits]
what [kind of numbers|numbers] are [logits|the logits]
[definition|meaning] of logits
are logits [probabilities|scores|numbers]

= Run metallic perplexity
how do I [calculate|compute|measure|obtain|evaluate|run] [perplexity|the perplexity|a perplexity test|ppl] [on|of|for] [a file|a text|my model|a document|wikitext|some text]
[which|what] [command|subcommand] [evaluates|scores|measures|judges|rates] [a model|the model|a model on a text|a model's quality|model quality|perplexity]
[test|evaluate|score|judge|rate|check] [how well|how good] [my model|the model|a model] [predicts|is|does|knows] [a file|a text|text|on a text|]
[evaluate|score|assess|judge|rate] [a model|the model|my model][| on a text| on a file]
[compare|measure] the quality of [two models|quantizations|a model|models]

= Perplexity says
what's [perplexity|ppl|the perplexity][| about]
is [a low|a lower|a high|a small|low] perplexity [good|bad|better|worse]
[definition|explanation|meaning|interpretation] of perplexity
what does [perplexity|a perplexity of 10|a low perplexity|ppl] [mean|say|tell me]
explain [perplexity|ppl] to me

= Run metallic inspect FILE to
how [can|do] I [look at|view|examine|list|display|study|peek at|read|dump|browse] the [tensors|metadata|header|keys|contents|tensor shapes|insides|layers|tensor names|properties] of [a|this|my] [gguf|model|file|GGUF|model file|gguf file]
[show|give|list|tell|print] me [a model's|the model's|this model's|a gguf's|the file's] [metadata|tensors|details|contents|shapes|keys|header|layers|architecture]
[which|what] [tensors|keys|layers|shapes|metadata|types|architecture|quantization] [are in|does|has|is in] [my|a|this|the] [file|gguf|model][|have|]
what is [in|inside|stored in|written in] [this|my|a|that] [gguf|gguf file|weights file|file][|, how do I see it]
[check|verify|find out|learn] [the metadata|the architecture|the type|the quantization|the shapes|the size] of [a|my|this] [model|gguf|file]
[dump|list] [a|the|my] [gguf|model|model file|tensors|file header]
[information|details|facts] [about|on] [a|my|this] [model|gguf|file]
[which|what] command [shows|lists|prints|displays] [tensors|metadata|the tensors|a model's contents|model information]

= Run metallic inspect FILE --program
[which|what] [operations|ops|steps|instructions|kernels] [does|are in|make up|belong to] [the|a|my] [model|program][| run| have| execute|]
[how can I|let me|I want to] [see|look at|print|read|view|list] [which operations the model runs|the op list|the compiled ops|the operation list|the program of the model|a model's operations|the list of ops|what ops are run]
[print|dump|show|list] [a model's program|the program|the op program|the operations|the program listing|the ops]
program [listing|printout|dump|of the model]

= Run metallic template
how [can|do|could] I [preview|check|test|verify|see|debug|try out|evaluate|inspect] [a|my|the] [chat template|template|jinja template|prompt that a template makes|template's output]
[render|expand|apply|format|evaluate] [messages|my messages|a conversation|a list of messages|a chat] [with|through|by|using] [a|the|my] [template|chat template|jinja file|jinja template]
what [does|will] my [chat template|template|jinja template] [produce|print|output|give|make]
[I want|I'd like] to [try|try out|test|debug|render] a [jinja|chat|prompt] [template|file]
[messages|a conversation] to [a prompt|prompt text]
[jinja|template] [rendering|renderer|testing|preview|debugging]

= A chat template
why are there [chat templates|templates|such templates]
what does a chat template [do|contain|look like]
explain [chat templates|the chat template|what a chat template is|ChatML|prompt templates]
what is [ChatML|a prompt template|the chat format|im_start]
how are messages [formatted|turned into a prompt|joined|wrapped|converted to a prompt]
[purpose|role|use|idea] of [the|a] chat template

= Run metallic synth
[I need|give me|create|make|I want|generate|produce] [a|some] [model|weights|file|gguf|test file|network] [with|of|full of] [random|arbitrary|fake|meaningless|made-up] [weights|numbers|values]
[how do I|let me] [generate|create|make|build|write] a [fake|dummy|random|mock|placeholder|synthetic|artificial|toy] [model|gguf|network|model for benchmarks|one for testing|file]
[test|measure|check|try] [speed|performance|throughput|the engine|it] without [any download|a real model|real weights|downloading|having a model]
what's [the synth command|synth|metallic synth] [for|good for|about|]
[random|synthetic|fake|dummy|artificial] [weights|model|gguf|models]
a 7B model [with random weights|without downloading|for benchmarks only|for speed tests]

= Run metallic bench to
how many [tokens per second|tok/s|tokens a second] [do I get|does it do|can it do|does it make|will I get|is it]
how can I [benchmark|time|measure|rate] [my computer|my machine|metallic|this computer|my laptop|the engine|the model|it|my GPU|my server]
[is there|where is|run|start|do] [a|the|some] [benchmark|speed test|performance test|benchmark command|benchmarks]
how [fast|quick] is [metallic|it|the model|this program|generation|this] [on my laptop|on my machine|here|on this computer|on my CPU|]
[performance|speed|latency|throughput|bandwidth] [measurement|test|numbers|figures|of my machine|of metallic|check]
[benchmark|time] [decode|prefill|the kernels|a model|my setup|generation]
[check|compare|see|know] the [speed|performance|throughput|latency|decode speed|tokens per second]

= Run metallic --help
where's the [list of all flags|list of options|help|manual|usage|overview|documentation|list of commands]
how do I get [usage info|help|the usage|an overview|the manual|instructions|a list of flags|a list of all options]
[show|list|tell|give|print] me [all the commands|all commands|every option|all options|the flags|all flags|the usage|all subcommands|what options exist|every flag]
how can I see [every option|all options|all flags|the whole list of flags|what it can do|the possible arguments|each option|the available commands]
I need [the usage text|help with the options|a list of options|an overview of the flags|to know the flags|the manual|usage help]
[usage|options|manual|overview|man page|flags|commands|documentation]
what [arguments|switches|flags] [can I give|are possible|may I use|are there|does it take|does it understand]
is there [a manual|a help text|documentation|an overview of options|a list of flags|a man page|help]

= Run metallic --version
how do I [know|tell|see|find|learn|check] [which version is installed|my version|what version I have|the version|which release I have|how new it is|the release]
[version|version number|the version|current version|release number|what version|which version|the release]
[what|which] [version|release] [am I on|is it|is this|do I use|is running|am I using|have I got]
is [my metallic|it|this] [up to date|the newest version|the latest version|current]
how do I print the [version|version number|release]

= metallic has completions
does [tab completion|completion|bash completion|zsh completion|auto completion|the tab key] [work|exist|work in my shell|work in bash|work in zsh|work with it]
are there [completions|completion scripts|shell completions] [for zsh|for bash|for my shell|]
how do I [get|enable|install|activate|set up|turn on] [tab completion|completions|completion|autocompletion|shell completion|the completions]
[can|does] [my shell|bash|zsh|the shell] complete [the options|flags|metallic's options|it|commands]
[shell|tab|bash|zsh|command line] [completion|completions|autocomplete]

= Run make run
how do I [compile|build|make|construct] [this|this thing|it|the code|the sources|the binary|everything|the executable]
what do I [type|do|run|enter] [first|first after cloning|after cloning|after the download|to begin|to get going|at the beginning|after git clone]
how can I [quickly|easily|just|simply] [try|test|start|run|use|see] [metallic|it|this|the program][| in action|]
what is the [quickest|fastest|easiest|simplest|shortest] way to [start|begin|try it|get going|run it|see it work|build it]
[build|compile|compilation|building] [instructions|steps|command|from source|from scratch|it]
I [cloned|have cloned|just cloned|downloaded|checked out] the [repository|repo|source|sources|code|project][|, what now|, what next|, now what]
[getting started|quick start|first steps|quickstart|hello world|how to begin|where do I start]
turn the [source|code|sources] into [a program|a binary|an executable]

= Run make test
how are the tests [run|started|executed|launched]
[I changed|after changing|I edited|I modified] the [code|source|sources|kernel][|, how do I check nothing broke|, how do I test it|, is it still right|, what should I run]
how do I [run|start|execute|launch|do|perform] [all tests|all the tests|every test|the tests|the test suite|unit tests|a test run|the checks|regression tests]
[which|what] command [runs|starts|executes|does] the [test suite|tests|unit tests|checks]
[check|verify|make sure|prove|confirm] [nothing broke|that it is correct|that everything works|my change is right|the code is right|nothing is broken|it works properly]
[tests|testing|test suite|unit tests|run tests|self test]

= Run make install
how do I [get it installed|install this program|install this|install the binary|put it on my system|set it up for all users|install the tool|copy it to /usr/local]
[install|set up] [the binary|it for everyone|this thing|the executable|this tool|the library and header|metallic globally][| please]
how do I [put|get|have] [the command|it|metallic|the binary] [on|in|into] my [PATH|path|system|computer]
[make|have] [metallic|it|the command] [available everywhere|callable from anywhere|available to all users|a system command]
[installation|installing|install|install instructions|system-wide installation]
where do I install [it|metallic|this]

= Run make asan
how do I run the [address sanitizer|sanitizers|sanitizer build|undefined behavior sanitizer|sanitizer tests]
[check|test|examine] [the code|it|metallic|the program] for [memory errors|memory bugs|undefined behavior|leaks|buffer overflows|use after free]
[find|catch|detect|look for] [memory leaks|buffer overflows|memory bugs|undefined behavior|use after free|memory errors]
[asan|ubsan|ASan|UBSan|sanitizer|sanitizers] [build|run|tests|]
[build|compile] with [address sanitizer|asan|ubsan|sanitizers on]

= Run make fuzz
how can I [fuzz|test|stress] the [parsers|parser|reader|tokenizer|gguf reader][| with random input|]
[start|run|launch|do] [the fuzzer|the fuzzers|a fuzz run|fuzzing|fuzz tests|libFuzzer]
[fuzz|fuzzing|fuzzer|fuzzers] [targets|run|tests|testing|]
[feed|throw|try] [random bytes|garbage|random input|hostile input] [to|at|on] the [parser|parsers|reader]

= Press Ctrl-C
how can I [abort|interrupt|halt|kill|cancel|stop|break|end] [a running generation|the generation|generation while it runs|it|it early|it while it writes|the process|the run|a long answer|an answer|the program]
how do I [interrupt|stop|abort|halt|end] [it|the generation|the answer|the model|it early|the program|what it is writing|output][| while it runs| in the middle|]
[which|what] [key|keys] [ends|stops|interrupts|quits|aborts|cancels] [it|the program|generation|the answer|metallic|a run]
[cancel|abort|interrupt|break off|kill] [the answer|the run|it|generation|the process|this|everything]
[stop|quit|leave|exit] [now|right now|early|the program|metallic|before it is done|immediately|in the middle]
it [does not stop|doesn't stop|never stops|runs forever|won't stop|keeps going]

= Exit codes
which exit [status|code|value] [means|stands for|signals|is] [bad usage|failure|success|an interrupt|an error|wrong arguments|interrupted|usage error]
what does [exit code|exit status|return code|code] [2|0|1|130] mean
what is [returned|the status|the exit code|the return value] when [it fails|it succeeds|I press Ctrl-C|the arguments are wrong|something goes wrong|it is interrupted|there is an error]
[exit|return|status] [codes|values|code|status|value]
how does [a script|my script|the shell] [know|see|notice|find out] [that it failed|whether it worked|if it worked|that something went wrong]
[meaning|list] of [the exit codes|exit codes|return codes|the exit status]

= Metallic runs GGUF models
which [LLMs|models|networks|language models] [work with it|work|can I run|run|will run|can it handle|are possible|can be used|does it accept]
what [architectures|models|kinds of models|families] [are there|are possible|does it know|does metallic know|can it run|are implemented|are allowed]
[supported|possible|compatible] [models|architectures|model families|LLMs]
is [Qwen|Qwen2|Qwen2.5|my Qwen model|Qwen2.5-7B|qwen] [supported|possible|ok|compatible]
does it run [Qwen2.5|Qwen2|qwen2.5-7b|Qwen models|qwen]
which [model|models] should I [use|take|download|get|choose]
[compatibility|compatible] with [Qwen|models|Qwen2]
[what|which] can I run [with it|with metallic|on it]

= No. Metallic runs models of
will [a Llama model|Llama|Mistral|Gemma|a Phi model|Llama 2|DeepSeek|Mixtral|Falcon|GPT-J|StarCoder|Yi|a Mistral model] [work|run|load]
can I [use|run|load|try] [Mistral|Llama|Gemma|a Phi model|Phi|Llama 2|Llama 3|DeepSeek|Mixtral|a Gemma model|Falcon|GPT-2]
does [it|metallic|this] [work with|handle|accept|know|support] [Llama 3|Llama|Mistral|Gemma|Phi|DeepSeek|Mixtral|GPT-2|Falcon]
[Llama|Mistral|Gemma|Phi|DeepSeek|Mixtral] [support|models|]
[are|is] [Llama models|other architectures|Mistral models|image models|Gemma models|other model families] [supported|possible|ok]
what about [Llama|Mistral|Gemma|Phi|DeepSeek]

= Metallic reads tensors
which [quantizations|tensor types|types|formats|data types|weight formats] can it [load|read|open|handle|use|run]
what [tensor types|quantizations|types|data types|weight types] are [allowed|possible|supported|accepted|ok|valid|known]
does [it|metallic] [understand|handle|accept|know|work with] [F16|Q8_0|F32|half precision|8-bit|fp16|quantized weights|float16|8-bit weights]
[supported|possible|allowed|valid] [quantizations|types|weight types|tensor types|data types|precisions]
what quantization [types|formats] [work|run|are there|are possible]
is [F16|Q8_0|F32|half precision|fp16|8-bit] [supported|possible|ok]
[which|what] precision [can|may|should] [the weights|weights|a model] have

= No. Metallic reads F32
does [Q4_K_M|Q4_0|Q5_K|4-bit|BF16|Q6_K|int4|Q3_K|IQ2|Q5_1|NF4] work
is [4-bit|Q4_K_M|BF16|Q4_0|bf16|4 bit|int4|5-bit|Q5_K_M] [supported|possible|ok|allowed]
[can|could|may] I [load|use|run|open] a [Q4_0|Q4_K_M|4-bit|Q5_K|BF16|Q6_K|4 bit] [file|model|gguf]
will a [Q5_K|Q4_K_M|4-bit|Q4_0|BF16|Q6_K|Q2_K] [model|file|gguf] [run|work|load]
does it [support|handle|know|accept|run] [bf16|4-bit|Q4_K|Q4_K_M|BF16|int4|K-quants|Q5_K]
what about [Q4_K_M|4-bit models|BF16|Q6_K|Q4_0]

= Metallic reads GGUF files
can it [open|load|read|handle|run|import] [safetensors|ONNX|PyTorch weights|pickle|a PyTorch checkpoint|safetensor files|TensorFlow|other formats|.pt files|ggml files]
will [ONNX models|safetensors|PyTorch checkpoints|a safetensors file|GPTQ models|pt files|AWQ models] [load|work|run|open]
does it [load|read|open|take|accept] [safetensors|a PyTorch checkpoint|ONNX|.pt files|.bin files|HF checkpoints|other file formats|pickle]
[safetensors|ONNX|PyTorch|GPTQ|AWQ] [support|files|models]
is [safetensors|ONNX|PyTorch] [supported|possible|ok]
can metallic read [a PyTorch checkpoint|safetensors|ONNX|other formats|pt files]

= Metallic runs models; it
[can|could] I [fine-tune|train|teach|finetune|adapt|retrain] [with this|with it|here|it|a network|the model|my model|models|the bundled model][| on my data|]
is [training|fine-tuning|LoRA training|learning|finetuning|retraining] [possible here|possible|supported|included|there]
does it [train|learn|fine-tune|do training|do fine-tuning|support training]
[can|does] metallic [train|fine-tune|teach|finetune] [a model|models|networks|Qwen|]
how do I [fine-tune|train|finetune|retrain|teach] [my model|a model|it|Qwen|the model|on my data]
[training|fine-tuning|finetuning|gradient descent|backpropagation] [support|with metallic|in metallic]

= Metallic downloads
will it [fetch|download|get|pull] [models|weights|a model|something|Qwen|files][| for me| from the internet|]
can it [download|fetch|pull|get] [Qwen|models|a model|weights|one][| for me| by itself|]
where [can|do|could|should] I [get|find|download|obtain] [a model|models|weights|a gguf|Qwen|GGUF files|a GGUF|one][| from|]
does metallic [download|fetch|pull|get] [models|weights|anything|something|a model|files]
[download|downloading|fetching] [models|a model|weights]
how do I [get|obtain|find] a [model|gguf|GGUF|gguf file]

= Metallic has no server
can I [run|use|start|host|expose] it as [an HTTP server|a server|a service|a daemon|a web service|an API|an OpenAI endpoint|a REST service]
is there [a REST interface|a web interface|a server mode|an HTTP endpoint|an OpenAI API|a server|a web UI|a daemon|a network interface]
does it [have|offer|provide|support] [a server|a server mode|an API endpoint|HTTP|a web interface|an OpenAI API|REST]
[server|HTTP|REST|web|daemon] [mode|interface|api|endpoint|server]
how do I [serve|host|expose] [a model|it|metallic|models][| over HTTP| over the network|]

= Metallic runs on Linux
can I [use|run|install] it on [my Macbook|a Mac|Linux|Windows|Ubuntu|my PC|Debian|macOS|my phone|Arch|a Raspberry Pi|FreeBSD|my MacBook|Windows 11]
which operating system [do I need|is needed|is required|does it need|can I use|should I have|works]
what [platforms|operating systems|systems|OS] does [it|metallic] [support|run on|work on|need]
will it [run|work] on [Ubuntu|Windows|macOS|Linux|a Mac|my Mac|Debian|Fedora|Windows 11|Arch Linux]
does metallic work on [Windows|Mac|Ubuntu|Linux|macOS|Debian|Apple silicon]
[Windows|Linux|macOS|Mac|Ubuntu|Debian|Android] [support|version|]
[supported|which] [platforms|systems|operating systems|OS]

= Metallic is a program
so what [is|exactly is|is all] this [metallic thing|metallic|program|thing|software|tool|project][| about|]
what's [metallic good for|metallic|this metallic thing|this program|this tool|this project about|it all about|metallic about]
tell me what [metallic does|metallic is|this program does|this is|this tool does|it does]
why should I [use|try|choose|care about|pick|run] [metallic|this program|this tool|this]
[describe|introduce|summarize|present|explain] [metallic|this program|the project|this software|this tool|the program][| in one sentence| briefly| to me|]
what [am I using|did I install|is this software|is this project|have I got here|is this program called metallic|is this binary]
[purpose|idea|aim|goal] of [metallic|this project|the project|this program|this software]
what does [this project|this software|the metallic program|this thing] [do|offer]

= GGUF is a file
what's [inside the gguf format|a gguf|gguf|the gguf format|a gguf file|GGUF for|in a GGUF]
explain [gguf|GGUF|the GGUF format|the file format|gguf files][| to me|]
what does [gguf|GGUF|.gguf] [mean|stand for|contain|store]
[definition|meaning|purpose] of [GGUF|gguf|the gguf format|a gguf file]
what [kind of|sort of] [file|format] is [gguf|GGUF|a gguf|.gguf]
what are [GGUF|gguf|.gguf] files[| for]
what is a [.gguf|gguf model|GGUF model|gguf]

= Q8_0 stores
what's [the idea of Q8_0|Q8_0|q8_0|Q8_0 about|8-bit quantization|in a Q8_0 block]
how [does|do] [q8_0|Q8_0|8-bit quantization|Q8_0 blocks|Q8_0 quantization] work
how are [weights|numbers|values] [stored|saved|kept|represented|encoded] in [Q8_0|q8_0|8 bits]
explain [Q8_0|q8_0|8-bit quantization|the Q8_0 type|the Q8_0 blocks][| to me|]
[definition|structure|layout|meaning] of [Q8_0|q8_0|a Q8_0 block]
how many bits does Q8_0 [use|have|need]

= Use Q8_0 for speed
[F16 or Q8_0|Q8_0 or F16|f16 or q8_0|F32 or Q8_0], which one[| is better| should I take|]
what [quantization|type|format|precision] [would you recommend|do you recommend|do you suggest|is the best|should I pick|is the fastest|should one use|would you choose|is good]
should I [pick|take|get|go for|prefer|download] [F16 or Q8_0|Q8_0 or F16|the F16 or the Q8_0 file|Q8_0|F16]
which type is the [fastest|most accurate|best|quickest|most precise|most exact]
[best|fastest|recommended|right] [quantization|type|precision|format for speed]
[is F16 more accurate|is Q8_0 faster|F16 versus Q8_0|Q8_0 vs F16|F16 vs Q8_0]
[difference|choice|tradeoff] between [F16 and Q8_0|Q8_0 and F16]

= A token is
[what's|what is] a token[| anyway| exactly]
tell me what [tokens are|a token is|you call a token]
explain [tokens|the word token|what a token is|tokens to me]
[definition|meaning] of [a token|token|tokens]
is a token a [word|letter|character|syllable]
what do you mean by [token|tokens]

= The tokenizer is
what kind of tokenizer [does it use|is it|is used|does metallic use|is built in]
what is [byte-level BPE|byte pair encoding|a byte-level BPE|BPE]
how does [the tokenizer|tokenization|the tokenizer work|BPE] [work|split text]
explain [BPE|the tokenizer|byte pair encoding|tokenization]
which [vocabulary|tokenizer|tokenization] is [used|it|there]

= The KV cache
what's [kept|stored|saved|held|inside|cached] in the [kv cache|KV cache|cache]
explain [the key value cache|the KV cache|the cache|KV caching|kv cache][| to me|]
why does it [keep|store|save|cache|remember] [keys and values|the keys and values|keys|earlier keys]
what is [the KV cache for|the KV cache good for|a key value cache|kv caching|the cache]
[purpose|role|use|definition] of the [KV cache|kv cache|cache|key value cache]
how does [the cache|the KV cache|kv caching] work

= Prefill reads
what does [prefill|the prefill phase|prefilling] [mean|do]
what happens [during|in|at] [prefill|the prefill|the prefill phase|prompt processing]
explain [prefill|the prefill phase|prompt processing|prefilling][| to me|]
what is [meant by prefill|prompt processing|the prefill speed|prefilling]
how is the prompt [processed|read|handled|computed|evaluated]

= Decode writes
what does [decode|decoding|the decode phase] [mean|do]
what happens [during|in|at] [decode|the decode phase|decoding|the decode]
explain [decode|the decode phase|decoding][| to me|]
what is [meant by decode|token generation|the decode speed|decoding]
how is the answer [generated|written|produced|made][| token by token|]

= Attention lets
how does [attention|self-attention|causal attention|the attention] work
explain [attention|self-attention|the attention mechanism][| to me|]
what is [the attention mechanism|attention good for|an attention layer|attention]
[idea|purpose|role] of attention

= In grouped-query
what is [GQA|gqa|grouped query attention|grouped-query attention][| good for|]
explain [grouped query attention|GQA|grouped-query attention|grouped heads][| to me|]
what does GQA [mean|stand for|do]
why do [heads share keys|query heads share a key head]

= RoPE rotates
what [does|is] [rope|RoPE|rotary embedding|the rotary embedding] [do|for]
what are [rotary embeddings|rotary position embeddings|position embeddings]
explain [RoPE|rope|rotary embeddings|position embeddings][| to me|]
how are positions [encoded|represented|given to the model]
what does RoPE [mean|stand for]

= RMSNorm divides
what is [rmsnorm|RMSNorm|RMS norm|the normalization|layer normalization here]
how does [RMSNorm|rmsnorm|the norm|normalization] work
explain [RMSNorm|rmsnorm|the norm|the normalization][| to me|]
what does RMSNorm [mean|do|stand for]

= SwiGLU is
what is [swiglu|SwiGLU|the gate in the feed-forward layer|the feed-forward network|the MLP]
explain [SwiGLU|swiglu|the feed-forward layer|the activation function][| to me|]
how does [SwiGLU|the feed-forward layer] work
which activation [is used|does the model use]

= Quantization stores
why would I [quantize|quantise|compress] a model
what does [quantization|quantizing|quantisation] [do|mean|bring]
explain [quantization|model quantization|quantized models][| to me|]
what is [quantization|a quantized model|model quantization|quantisation][| good for| about|]
[idea|purpose|definition|benefit] of quantization
why are [quantized models|models] [smaller|quantized|faster when quantized]

= F16 stores
what does [half precision|F16|fp16|f16|float16] mean
what is [float16|fp16|half precision|F16]
how many bits does F16 [have|use]
explain [F16|half precision|fp16]

= F32 stores
what does [single precision|F32|fp32|f32|float32] mean
what is [float32|fp32|single precision|F32]
how many bits does F32 [have|use]
explain [F32|single precision|fp32]

= Metallic is written in C11
what's it [programmed|written|coded|implemented|made] in
which [language|programming language] [was used|is used|did they use|was chosen] [to write metallic|for metallic|for it|to write it|here|to implement it]
is it a [C++|C|Rust|Python|Go] [program|project|code base]
is it [written|programmed|coded|implemented] in [C|C++|Rust|Python|Go|Zig]
[language|programming language|source language|implementation language] of [metallic|the code|the project|the source]
what is [metallic|it|the code|the source code] [written|programmed|coded] in
which C standard does it use

= Metallic is free software
may I [use|sell|modify|share|copy|redistribute|change] [it|metallic|this|the code] [in a commercial product|commercially|at work|in a product|in my company|for free|freely|]
what's the [licence|license]
what is the [license|licence] of [this|metallic|the code|the project|this program|this software]
is [it|metallic|this|the code] [open source|free|free software|MIT licensed|open-source|free of charge|proprietary|gratis]
can I use [it|metallic|this] [for free|commercially|in a closed source product|without paying]
[license|licence|licensing|copyright|terms of use]
does [it|metallic] cost [money|anything|something]
do I have to pay[| for it| for metallic|]

= Nothing leaves
do my [prompts|data|questions|texts|words|secrets|files] [leave|go out of|get out of] my [computer|machine|PC|laptop]
will [anything|something|my data|my text|my prompt|any data] be [uploaded|sent|transmitted|sent away|shared|leaked|sent over the net]
does it [need|require|use|want] [internet|a network|the net|an internet connection|online access|a cloud account|Wi-Fi|to be online]
is my [text|prompt|data|input|question|conversation] [sent|uploaded|transmitted|shared|given] [to some server|anywhere|to anyone|to someone|over the internet|to a company|to the cloud]
do you [collect|send|store|upload|share|keep|record|sell] my [data|prompts|questions|text|information]
does it [phone home|send telemetry|talk to a server|contact a server|upload anything|connect to the internet|go online|spy on me]
is there [telemetry|tracking|data collection|any network traffic|a cloud service]
who [sees|reads|gets|can read] my [prompts|data|questions|text|input]

= Yes. It works offline
[can|could] I [use|run] it [offline|without a network|without internet|locally|on a plane|without a connection|on an isolated machine]
does it [run|work] [locally|offline|on my own computer|without a connection|on my machine|in an air-gapped network]
is it [offline|local|private|running locally|confidential|usable offline]
is [everything|all|the model] [local|computed locally|on my machine|running on my computer]
[offline|local] [use|mode|operation|inference]
[keep|is] my data [private|local|safe with it|safe here]

= Meson and Ninja
which build system is [used|it|there|needed]
what [builds|compiles] [metallic|it|the project|the code]
do you use [CMake|Meson|autotools|make|ninja|Bazel]
[build system|build tool|meson|ninja|makefile]

= You need git
what has to be [there|installed|present|available|on my machine] [before building|before I build|to build it|for the build|first|beforehand]
what are the [build dependencies|requirements|prerequisites|dependencies|needed packages|required tools|system requirements]
what packages do I [need|have to install|need to install|require][| first| before|]
which tools are [required|needed|necessary][| to build it| for building| to compile it|]
[requirements|dependencies|prerequisites|needed tools|required packages]
what does it [need|require|depend on] [to build|to compile|for building|to be built]
do I need [git|gcc|clang|python|make|a compiler|cmake][| for it| to build|]
[before|to] [building|build] [it|metallic], what [must I install|do I need|should I have]

= Include metallic.h
how do I [use it as a library|use it as a library from C|link against the library|link the library|include it in my program|build it into my app|call it from my code|call it from C|bind it|program with it|use libmetallic|make use of the library|write a program with it]
can I [embed|include|integrate|use|build] it [in|into|inside] [my own software|my program|my app|a C program|my project|my game|my software|another program|my code]
how can [my C program|my program|my code|an application|my app|a developer|C code] [use|call|include|link|embed] [metallic|the library|it|libmetallic]
[C|library|programming] [API|interface|library|usage|bindings]
is [metallic|it] [also a library|usable as a library|a library too|embeddable]
[embed|embedding|linking|integration] [metallic|in a program|in C code|into my own software|the library]

= Call met_model_open
which function [opens|loads|reads|maps] a [model|file|gguf|GGUF file|model file]
what does met_model_open [do|return|open]
which call [opens|loads] a [model|file] in the [C API|library|API]

= Call met_generate
which function [streams|generates|samples|produces|writes] [text|tokens|an answer|output]
what does met_generate [do|return|need]
which call [generates|streams|samples] [text|tokens] in the [C API|library|API]

= A session is
what is [a session|met_session|a met_session|the session|a session for]
what's [met_session|a session|a session about]
explain [sessions|met_session|what a session is|a session]
what does a session [hold|keep|contain|do|mean]

= The same logits
do [more|fewer|several|many|two] threads [change|affect|alter|influence] the [result|answer|logits|output|numbers|text]
are [results|the results|logits|answers|the numbers|outputs] [deterministic|the same|identical|equal|bit-exact|bit for bit equal|reproducible] [across CPUs|on different CPUs|for all thread counts|on other machines|with more threads|across machines|for any number of threads|]
does the [instruction set|CPU|ISA level|thread count|processor|machine] [change|affect|influence|matter for] the [result|logits|answer|output|numbers]
[bit|bitwise|numeric] [exactness|exact|identical|reproducibility|identity|contract|determinism]

= It uses AVX2
does it [make use of|use|support|profit from|need|know] [AVX-512|AVX2|AVX512|SIMD|VNNI|vector units|vector instructions|AVX|SSE|NEON]
which [SIMD instructions|instruction sets|vector instructions|CPU features|CPU instructions|ISA levels] [does it use|are used|does it need|are supported|does metallic use]
[AVX|AVX2|AVX-512|SIMD|VNNI|vector] [support|instructions|kernels|code|]
is there [SIMD code|AVX-512 code|vector code|an AVX2 version]

= The bundled model is
what [runs|is used|answers|happens|is loaded|model runs] when I [give no model|don't give a model|name no model|pass no file|leave out the model|specify no model|do not give a model]
what is the [model that comes with it|model that comes along|included model|model inside|model in the binary|embedded model|default|standard model|little model inside|model shipped with it]
which model is used if I [don't give one|give none|name none|don't name one|don't specify one|leave it out|pass nothing]
do I [have to|need to|must I] [download|have|get|supply|bring] a model [first|before|to try it|file|]
can I [try|use|run|start] [it|metallic] [without a model|without downloading anything|with no model|right away|without any download|with no model file]
[does it come|does it ship|is it delivered] with a model
[built-in|bundled|default|included|embedded|internal|tiny|own] model
[tell me about|describe|what is] the [model inside|little model|small model that comes with metallic|bundled one|default one]

= Yes. metallic prints
does the [output|answer|text|reply] [stream|appear at once|come in pieces|appear while it is written|appear live]
do I see the [answer|text|output|tokens] [as it is generated|while it is generated|live|as it comes|immediately|while it is being written|bit by bit|in real time]
[streaming|streamed|live|incremental] [output|answer|text|support|tokens]
is the [answer|output|text] [streamed|printed live|shown live|shown immediately|written token by token|printed piece by piece]
[must|do] I [wait|have to wait] [until it is done|for the end|for the whole text|until the answer is complete]

= The answer goes
where is the [answer|output|text|reply|result] [printed|written|shown|sent|going]
what [goes|is written|is printed|comes] [to|on] [stderr|stdout|standard error|standard output]
on which stream [is the answer|are messages|is the output|do warnings come]
how do I [save|keep|store|redirect|capture|catch|write] the [answer|output|text|reply|result] [in a file|to a file|to disk|in a variable|into a file|with the shell]
[redirect|capture|save] [stdout|the output|the answer]
where do [errors|messages|warnings|timings] [go|appear|get printed]

= Lower the temperature
the [answers|replies|results|outputs|answer] [are|is] [nonsense|bad|wrong|poor|useless|garbage|rubbish|terrible|gibberish|not good|low quality|weak|silly][|, what can I do|, why|, how can I fix that]
how do I get [better|good|smarter|more sensible|correct|higher quality|more useful] [answers|results|replies|output|text]
[improve|increase|raise|better] the [answers|quality|quality of the answers|answer quality|results|output quality]
why [is it so stupid|are the answers so bad|is the answer wrong|does it write nonsense|is it so bad|does it talk nonsense]
it [writes|talks|prints|produces|says] [nonsense|garbage|rubbish|gibberish|wrong things]

"""

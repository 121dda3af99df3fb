"""The second half of phrasings.py, written after a round in which unseen questions were read.

Owns: sentences only, as phrasings.py.
"""

MORE = """
= Use --gguf-path
my [weights|model|file|gguf|qwen] [are|is|lies|sits] [in|at|under] [~/models|/data|a folder|my home directory|~/models/qwen.gguf|/mnt/disk|the downloads folder|another disk][|, what now|, how do I use it|, how do I run it|, what do I do|, how do I load it]
what do I [write|type|enter|put|say] to [load|run|use|open|start] [Qwen2.5-3B|Qwen2.5-7B|my own model|a downloaded model|qwen2.5-1.5b|my gguf|the 3B model|a file]
which [parameter|argument|flag|option] [expects|wants|needs|requires|accepts|gets|names] the [file with the model|file of the model|model's file|gguf|weights|model path|file name of the model|path to the weights]
I [don't like|dislike|don't want|am tired of] the [small|tiny|built-in|bundled|default] [model|one][|, how do I use my own|, can I use another|, how do I change it]
[where|how] do I [name|mention|reference|list|attach] my [gguf|weights|model file|own file]
[replace|swap|exchange] the [model|built-in model|weights|default model][| with mine| by my own| for a better one]
[path|file|filename|location] [to|of|for] [the|my] [model|gguf|weights|GGUF]
[a|any|some] [larger|better|smarter|real|proper|serious] model[| please]
how can I [try|test|chat with|talk to] [my own gguf|Qwen2.5-7B|a real model|another gguf|a larger Qwen]
how do I get it to [load|open|read|pick up|find] my [gguf|weights|model|file]

= Use --prompt
can I [write|type|put|give|enter|place] [the question|my question|the prompt|a sentence|my text] [straight|directly|right|immediately] [into|in|on|after] the [command|command line|shell|terminal]
what's the [parameter|option|flag|argument|switch] for [my prompt|a question|the prompt|user input|input|text input][| called|]
how do I [ask it something|ask a thing|pose a question|say something to it|get a reply|write to it|give it a task|let it answer][| without a file| directly| on the command line|]
[one-line|single|inline|direct|short] [prompt|question|query]
[ask|put|pose] [one|a single|a quick|my] question [to|from] [it|the shell|the model|the terminal]
[say|tell|write] something to [the model|it|metallic]
[run|execute] one [prompt|query|question|request]
what do I [write|type] to ask [a question|it something|the model something]
[provide|enter|supply] [input|the input|a question|my request] [as an argument|on the command line|in the call|directly]

= Use --system
make the [bot|model|assistant] always [answer|speak|write|respond|reply] [in rhyme|in German|formally|briefly|like a child|politely|in verse|in bullet points]
[is|are] [a system prompt|system prompts|a system message|instructions|custom instructions] [possible|supported|available|allowed]
I'd like to [define|decide|influence|determine|control|shape] how the [assistant|model|bot] [behaves|answers|talks|acts|sounds]
[custom|extra|additional|general|hidden|initial] instructions [for the model|for the assistant|]
[preset|preamble|priming|behavior|style|tone] [for|of] the [model|assistant|answers]
[set|choose|change|define] [its|the] [tone|style|attitude|mood|manners|identity|role]
[the model|it] should [pretend to be|act like|play|imitate|know that it is] [a doctor|a pirate|someone|an expert|a lawyer]
put [something|rules|text|a rule] before the [conversation|user's message|chat|first message]

= Use --max-tokens
[cap|limit|restrict|bound|hold|keep] the [response|answer|output|reply|text] [at|to|under|below] [200|100|50|N|a few hundred|twenty] tokens
how do I [stop|keep|prevent] it from writing [novels|so much|long texts|essays|too much|a whole page|endless answers|so many words]
is there a [length limit|limit on the length|maximum length|limit for the answer|cap][| I can set|]
the [response|answer|text|reply|output] is [way |much |far |]too [long|short|lengthy|wordy]
[less|fewer|more|not so many|not so much] [text|words|tokens|output][| please]
[shorter|longer|briefer|brief|concise|lengthier] [answers|responses|replies|output|text][| please]
[make|keep] it [short|brief|concise|long|longer|small]
how [many|much] [tokens|words|text] [can|will|may|does] it [generate|produce|output|write][| at most]
[answer|response|output|generation|reply] [length|limit|size|budget]
it [never stops|won't stop|does not stop|goes on] writing
[allow|permit|let it write] [more|up to 500|a thousand|longer] [tokens|text]

= --temperature T
[which|what] [value|temperature|setting] gives the most [predictable|boring|creative|random|stable|diverse|deterministic] [text|answers|output|results]
can I make [its|the] [writing|answers|texts|output|style] more [adventurous|daring|surprising|varied|creative|original|sober|strict|serious|stable]
what is [sampling temperature|the sampling temperature|temperature in sampling|temp]
[set|put|change|turn|lower|raise|drop] [temp|the temp|temperature|the temperature] to [zero|0|one|0.2|1.5|0.7]
[temp|temperature] [0|zero|1|0.5|setting|value|parameter]
[more|less] [creativity|randomness|variety|fantasy|imagination|chaos|diversity|surprise][| please]
[how|can I] [control|tune|influence|adjust] [the sampling|how it picks words|how it chooses tokens|the choice of tokens|the diversity]
[pick|take|use|output] the [best|likeliest|most probable] [token|word] [every time|each time|at every step|always]
the text [is too|should be more|should be less|must be] [random|creative|deterministic|varied|wild|predictable]
[flatten|sharpen|soften] the [distribution|probabilities]
[no|without] [dice|luck|surprises|random sampling]

= --top-k K
let it choose from the [20|50|10|best|k|100] [best|likeliest|top|most probable] [tokens|words|candidates|]
does [metallic|it] [have|support|know|offer] [top-k|top k|top_k][| sampling]
what's the [k|number] in [top-k|top k][| sampling]
[only|just] the [20|10|100|k|five] [best|top|likeliest|most likely] [tokens|candidates|words|choices]
[hard|fixed] limit on [candidates|the number of candidates|choices]
[top-k|top k|topk] [sampling|filtering|filter|value|setting|parameter|40|20]
[cut|reduce] the [list|set] of candidates to [k|20|a number|the best few]
how many [tokens|words|options] [may|can|does] it choose from

= --top-p P
is [nucleus sampling|top-p|top p|the nucleus method] [available|supported|possible|there|implemented]
what [value|number] [do I give to|should I give|is good for|is right for|for] [top-p|top p|the nucleus]
keep [tokens|candidates|words] until [their|the] [probabilities|sum|probability] [sum to|reaches|reach|add up to|makes] [0.9|p|90 percent|a limit|0.95]
[top-p|top p|topp|nucleus] [sampling|filtering|filter|value|setting|parameter|0.9]
does [metallic|it] [have|support|know|offer] [top-p|top p|top_p|nucleus sampling]
[cumulative|summed|total] [probability|mass] [of tokens|for sampling|limit|]
[smallest|minimal] set of tokens [with|that reaches] [enough|a given] probability

= --min-p P
can [tokens|words|candidates] with [very |][low|small|tiny|little] probability be [cut|removed|dropped|excluded|ignored|filtered]
what is the [min-p|min_p|minimum p|min p] [parameter|option|setting|value|flag]
[relative|minimum|minimal|lower] probability [threshold|cutoff|limit|bound|filter]
does [metallic|it] [have|support|know|offer] [min-p|min p|min_p]
[min-p|min p|minp] [sampling|filtering|filter|value|setting|parameter|0.05]
[throw|filter|sort|weed] out [tokens|words] [that are unlikely|far below the best|that are very improbable|with low probability]
tokens much [less likely|weaker|rarer] than the [best|top] one

= --repeat-penalty X
my output [loops|repeats|circles|is looping] [endlessly|forever|all the time|again and again|] [on one phrase|on one word|on the same line|]
what's the [remedy|cure|fix|solution|trick|medicine] [for|against] [repetition|loops|repeating|repetitive output|repeated words]
how [strong|large|big|high] [is|should be|must be] the [repeat|repetition] penalty[| and how do I change it]
[don't|do not|never] [repeat|repeat yourself|say things twice|repeat words|loop]
[the model|it|the text] [echoes|repeats|copies|duplicates|parrots] [itself|its own words|sentences|phrases|everything]
[penalty|factor] [for|on|against] [repetition|repeats|repeated tokens|loops]
[repeat|repetition] [penalty|factor|control|problem|issue|suppression|avoidance]
[fewer|less|no|no more|without] [repetition|repeats|loops|repeated words|duplicates]

= --presence-penalty X
how do I [punish|penalize|lower|discourage|reduce] tokens that [already occurred|are already there|appeared before|occurred once|were seen]
[meaning|use|definition|effect|value] of [presence penalty|the presence penalty|presence-penalty]
does [metallic|it] [have|support|know|offer] a presence penalty
[presence] [penalty|setting|parameter|value]
[punish|penalize] [mere presence|any use|the presence of a token|once used tokens|tokens just for being there]
[bring up|introduce|move to|change to] [new|other|fresh] [subjects|topics|ideas|themes]
what does the presence penalty [do|change|lower]

= --frequency-penalty X
make [often used|frequent|common|overused|repeated] [words|tokens] [less likely|rarer|less frequent|less probable]
does [metallic|it] [have|support|know|offer] a frequency penalty
[frequency] [penalty|setting|parameter|value]
[meaning|use|definition|effect|value] of [frequency penalty|the frequency penalty|frequency-penalty]
what does the frequency penalty [do|change|lower]
[penalty|punishment] [by|per|for each|that counts] [occurrence|occurrences|use|count|repetition]
[count|frequency] based penalty

= --repeat-last-n N
how [big|large|wide|long] is the [window|range|history|memory] of the [repeat penalty|penalties|repetition penalty|penalty]
[set|change|limit|choose] the number of tokens [the penalties look back|for the penalties|the repeat penalty sees|that are penalized|penalties consider]
[penalty|repetition|repeat] [window|range|history|memory|look-back]
how [many tokens back|far back] [is repetition checked|do penalties reach|are tokens penalized|does it check for repeats]
[only|just] the last [64|100|n|few] tokens [count for penalties|should be penalized|matter for repetition|are penalized]

= --seed N
[every|each] [run|call|start] [gives|prints|produces|returns|makes] [another|a different|a new|other] [text|answer|result|output][|, I want the same|, how do I stop that|, why]
what is [a random seed|the random seed|a seed|the seed value][| here| for| good for]
is the [output|result|answer|text|sampling] [reproducible|repeatable|the same each time|random each time]
[same|identical|equal|unchanging|constant|stable] [answer|text|output|result|results] [each time|every time|on every run|for the same prompt|twice]
[seed|random seed] [value|number|parameter|setting|42|for sampling]
[start|initial] value of the [random generator|random numbers|generator]
[can|how do] I [repeat|reproduce|recreate|replicate] [a result|a run|a text|exactly the same text|an experiment|the output]
[two runs|runs|repeated runs] should [agree|give the same|be identical|match]

= --context-length N
can I have [16k|32k|8k|more|4096 tokens|a lot] of context
how long [may|can|should] [my|the|a] [prompt|text|conversation|document|input] be
set the [context window|context|window|context size|context length] to [4096|8192|2048|32768|16k|N]
[bigger|larger|longer|smaller|shorter|more|less] [context|context window|window|context length][| please]
[context] [size|length|window|limit|tokens|setting]
[it|the model] [forgets|forgot|loses] the [beginning|start|first part|earlier text]
[does|will] a [book|long text|whole chapter|big file|long document] fit
[the prompt|my prompt|my text] [exceeds|is over|overflows|is larger than] [the context|the limit|the window]
how many tokens [of context|can it see|can the prompt have|can it handle|fit]

= --threads N
my [CPU|computer|server|machine|laptop] has [16|8|4|32|many|two] [cores|threads|CPUs][|, how do I use them all|, how do I use them|, can it use all]
run [it|metallic|the model|this] [single threaded|single-threaded|on one core|with one thread|multithreaded|in parallel|on all cores|with 8 threads]
how many threads [should I give it|should I use|are best|does it start|do I need|are used|is good]
[use|take|give it|with] [all|every|more|just one|only one|2|four] [core|cores|thread|threads|CPU|CPUs]
[thread|core|CPU] [count|number|limit|usage|setting|parameter]
[parallelize|distribute|spread] [the work|it|the computation][| over cores| over threads| on the CPU]
[limit|reduce|lower] [CPU use|the CPU usage|CPU load|the load|processor use]

= --backend NAME
I [own|have|bought|use] [a GeForce|an RTX 4090|a graphics card|an NVIDIA card|a GPU|a Mac with M3|an H100|a Radeon|two GPUs|a MacBook][|, can metallic use it|, how do I use it|, does it help|, will it be used]
how do I force [CPU|GPU|CUDA|Metal|cpu|cuda] [execution|use|mode|inference|]
is [CUDA|the GPU|Metal|my graphics card|the graphics card|a GPU] [used|used automatically|supported|found|detected|necessary|needed]
which [backends|machines|devices|accelerators] [exist|are available|are built in|can I choose|do you have]
[compute|calculate|infer|generate] on [the GPU|the CPU|CUDA|a graphics card|my GPU]
[GPU|CUDA|Metal|NVIDIA|Apple|graphics|cpu|CPU] [backend|mode|use|please|only]
[hardware|device|machine|accelerator|processor] [choice|selection|option|setting]
[use|enable|activate|try] [the accelerator|my RTX|GeForce|CUDA cores|tensor cores|the graphics processor|Apple's GPU]
what [runs|computes|executes] [the model|it]: [CPU or GPU|the CPU or the GPU]
CPU or GPU

= --output-format chooses
can the [output|answer|result|reply] be [in|written in|printed in|given in] [different|several|other|various] [formats|forms|styles]
what [may|can|do|should] I [write|put|say|give] after --output-format
[list|name|show|tell me] the output formats
[kinds|types|forms|sorts] of output
[output|print|result|answer] [format|style|form|mode] [option|choice|setting|flag]
[change|pick|set|choose] [the form|the format|how results are printed|the style of the output]

= Use --output-format json for
I [need|want|would like] [structured|parseable|machine-readable|JSON|json|formal] [output|data|results|answers][| for my Python script| for my program| for a script|]
where can I [read|find] [tokens per second|the token counts|the timings|statistics|the time to first token|the token ids|how many tokens were used][| after a run| of a run|]
give the answer [back |][as|in] [a json object|JSON|json|a JSON document]
[return|print|emit|produce|give me|write] [json|JSON|a JSON object|one JSON document|everything as JSON]
[answer|output|reply|respond] [in|as] [JSON|json]
[integrate|use|combine] it [with|in] [a Python script|a script|a pipeline|jq|another tool]
[report|show|include] [timings|token counts|statistics|the finish reason] [with the answer|in the output|]
why did [it|generation|the answer] [stop|finish|end]

= Use --output-format jsonl
I want to [process|handle|read|see|parse|consume] [events|tokens|each token|the events] while it [generates|runs|writes|works]
stream the [output|answer|tokens|events] as [JSON|JSON lines|jsonl|json events]
[line|event] [by line|by event] [JSON|json|]
[every|each] token as [JSON|json|a JSON line|an event]
[json|JSON] [per line|lines|stream|events]
[live|streamed|real-time|ongoing] [JSON|json|events]

= Use --output-format text
just the text[| please|, no extras|, nothing else]
how do I print the [bare|plain|pure|simple|naked] [answer|text|reply]
[the|print the|give me the] [answer|text|reply] [and nothing else|without extras|without anything else|only|without metadata]
[simple|plain|ordinary|normal|human readable|readable] [text|output|answer]
[no|without] [metadata|extras|numbers|frills|statistics|json|JSON]
write [just|only] the [answer|text|words]

= Use --output-format none
suppress [printing|the output|output|the text|the answer|all text][| of the text| of the answer]
how do I make it [quiet|silent|shut up|print nothing|say nothing|be quiet]
[generate|run|compute|work] [without printing|silently|quietly|in silence|without text|with no output]
[throw away|discard|drop|swallow] the [answer|text|output]
[hide|omit|skip] [everything|the text|all output|the answer]

= --raw gives
how do I [bypass|avoid|circumvent|leave out|get around|switch off] the [template|chat template|chat format|chat markup]
can I [complete|continue|finish|extend] a [half-finished|given|unfinished|started] [sentence|text|story|paragraph]
what is --raw
[the prompt|text|input] [unchanged|untouched|without changes|without markup|as is|verbatim]
[text|sentence|story|code] completion
[without|skip|no] [chat markup|ChatML|the template|roles|special tokens|formatting]
[give|feed|hand] the model [exactly my text|just my text|raw text|an unformatted prompt]

= --logprobs K
how [sure|certain|confident|convinced] was the model [about each word|of its answer|about a token|of each token|]
can I [get|see|have|print|obtain|read] [token probabilities|the probabilities|log probabilities|logprobs|probabilities of tokens|the likelihoods|alternatives]
which flag [gives|prints|shows|reports|returns] [the alternatives|alternatives|probabilities|logprobs|token probabilities|the candidates]
[certainty|confidence|likelihood|probability|odds] [of|for|per] [each token|every word|token|tokens|the words]
[top|best|other] [alternatives|candidates|choices] [with probabilities|for each token|at every position|]
[runner-up|alternative|second best] [tokens|words|choices]
[show|report|print|add|include] [log-probs|logprobs|probabilities|scores of tokens|log probabilities]

= --stop S
make it [end|stop|finish|halt] at the first [blank line|newline|period|full stop|sentence|empty line|"END"|comma]
how do I use [stop strings|stop words|a stop string|stop sequences|--stop]
[end|stop|finish|cut] the [text|answer|output|generation] [when|where|as soon as|if] ["###"|a string|a word|a marker|"User"|a certain text] [shows up|appears|comes|is written|occurs|turns up]
[terminate|end|halt] [on|at|with] [a string|a marker|a keyword|a text|certain text|"END"]
[stop|end] [string|word|text|marker|pattern|keyword|delimiter]
[a|some] [delimiter|terminator|end marker|keyword] that [ends|stops|finishes] [the answer|generation|it]
[until|up to] [a newline|a marker|a certain word|the word END]

= --prompt-file F
I [saved|stored|wrote|have|keep|put] the [question|prompt|text|input] in a [text file|file|document|note][|, how do I use it|, can it read it|, what now]
how do I [send|push|pass|move|stream] [a file|text|data|a document|the output of a program|a log] through a pipe
feed [stdin|standard input|a file|a document|text from stdin] to [the model|it|metallic]
[read|use|take|load|open] [stdin|standard input|input.txt|a file|prompt.txt|a document|a text] [as prompt|as the prompt|for the prompt|as the question|as input]
[prompt|question|input|text] [from|in|out of] [a file|stdin|standard input|a pipe|a document|a text file]
[summarize|process|give it] [a file|a document|a text file|a long document]
can [the question|the prompt|text|input] be [in a file|piped|read from disk|piped in|read from stdin]
[unix|shell] [pipe|pipes|pipeline]

= Run metallic tokenize TEXT
how do I [see|find|show|check|learn] how a [sentence|text|word|prompt|string] is [tokenized|split|cut|encoded|broken up]
count [the |][tokens|token] [of|in] [my prompt|a text|a file|my text|this sentence]
what [command|subcommand] gives me the [ids|tokens|token ids|token count]
[get|show|print|give me] the [ids|tokens|token ids] [of|for] [a sentence|my text|a word|hello world|some text]
[which|what] [ids|tokens] does [my text|a sentence|the word hello|a prompt] [have|become|give]
[length|size] of [my prompt|a text|the prompt] in tokens
[turn|change|transform|map] [words|text|a sentence] [into|to] [numbers|ids|tokens|token numbers]
[tokenize|tokenise|encode] [a|my|some] [text|file|prompt|sentence|word|document]

= Use metallic tokenize --batch
[tokenize|tokenise|encode] [a lot of|all|hundreds of|multiple|a million] [sentences|texts|files|lines|documents|prompts][| together| in a single run|]
[batch|mass|bulk] [mode|processing|tokenizing|job|] [of tokenize|for tokens|for tokenization]
[a|one] [json|JSON] array of ids [a line|per line|for each text]

= Run metallic detokenize
get the [text|words|string] [for|of|from] [ids|tokens|token ids|numbers] [12, 40 and 7|1 2 3|that I have|from a list|]
which command [reverses|undoes|inverts|is the inverse of|is the opposite of] [tokenize|tokenization|encoding]
[what|which] [words|text] do [these ids|the ids|these tokens|token ids 5 and 9] [mean|give|stand for|make]
[decode|detokenize|detokenise|untokenize] [these|some|my|the] [ids|tokens|numbers|token ids]
[from|turn] [ids|tokens|numbers] [to|into] [text|words|letters]

= Run metallic logits
write [out |]the logits [of|for] [a prompt|some tokens|a sequence|every position|a text]
I need [raw logits|the logits|logits|scores] [in numpy|for analysis|as an array|in a file|for tests]
[dump|store|extract|output|get|print] [all|raw|the raw|model] logits
[compare|validate] with [PyTorch|transformers|a reference|numpy|llama.cpp]
[array|matrix|table|file] [of|with] logits

= Run metallic perplexity
what's the command for [perplexity|measuring perplexity|model evaluation|ppl]
evaluate [my|the|a] model on [wiki.txt|a corpus|a test set|a text|some data|wikitext]
[perplexity|ppl] [of|on|for] [my model|a file|wikitext|a text|a corpus|the model]
[how good|how accurate] is [my model|the quantized model|a model][| on a text|]
[check|test|measure|compare] [the quality|the loss|how much quantization hurts|model quality|the accuracy of a model]

= Perplexity says
what does perplexity [tell me|say|express|measure|show]
is [a |]perplexity [5|of 5|6] better than [10|7|20]
[interpret|understand|read] [perplexity|a perplexity|the perplexity]
which perplexity is [better|good|best]
[good|bad|low|high|better] perplexity

= Run metallic inspect FILE to
what's [inside|in] [model.gguf|this file|my gguf|that model|qwen.gguf]
list [all|the|every|its] [tensors|tensor names|keys|metadata|shapes][| with shapes| of a file| in a model| of my model]
which architecture [does my file have|is in this file|has my model|is my model]
[examine|analyze|check|study|open up] [model.gguf|a gguf|my model file|the file|a file]
[see|show|print|read] [the keys|the key values|metadata|header data|tensor info|the hyperparameters|all metadata]
how many [layers|heads|parameters|tensors] does [my|this|a] [model|file|gguf] have
[what|which] quantization [does my file have|is my model|has this gguf]
[file|model|gguf|tensor] [info|information|details|contents|overview]

= Run metallic inspect FILE --program
list the [ops|operations|steps] [that get executed|that are executed|of the model|it performs|in order]
show the model as [a program|ops|a list of operations]
[which|what] [ops|operations] are [executed|computed|performed|there|fused]
[op|operation|program|instruction] [list|listing|table]

= Run metallic template
try [my|a|the] chat template on [some messages|messages|an example|a conversation]
how is a [conversation|chat|message list] [rendered|formatted|displayed as prompt]
[test|check|render|debug|run] [jinja|Jinja|a jinja file|my template file|the template with tools]
[see|print|show] the [prompt|text] [a template makes|that comes out of the template|after rendering|the model really sees]
[command|tool] for [templates|chat templates|jinja]

= A chat template
what's the [point|use|purpose|idea|sense] of [chat templates|a chat template|templates]
how does a [conversation|chat|dialog|message] become [a prompt|text|tokens|one text]
what [turns|converts|joins|formats] [messages|a conversation|the chat] [into|to] [a prompt|text|one string]
[chat|prompt] template[s|]
who decides how [messages are joined|the chat is formatted|roles are marked]

= Run metallic synth
can I get a model [filled|full|initialized|made] [with|of] [random numbers|random weights|noise|nonsense]
make me a [dummy|fake|random|synthetic] [0.5B|7B|1.5B|tiny|3B] model
[dummy|synthetic|random|artificial|fake|mock] [0.5b|weights|model|gguf|file]
[write|produce|create] [random weights|noise weights|a gguf of noise|a file with random weights|a model of an exact shape]
[speed|performance] test [without|with no] [real model|download|weights]

= Run metallic bench to
what [throughput|speed|performance|rate] can my [box|computer|machine|server|CPU|laptop|hardware] [reach|achieve|get|deliver|do]
run the [speed measurement|benchmark|speed test|performance test|measurements]
benchmark the [CPU|machine|GPU|kernels|computer|system]
[measure|test|find|determine] [throughput|latency|bandwidth|tok/s|the token rate|how quick it is]
[speed|performance|token rate|bench] [test|figures|numbers|results]
how [quickly|fast|rapidly] [does it generate|can it generate|does it decode|will it run|does it answer]

= Run metallic --help
where are the [options|flags|commands|parameters|settings] [documented|listed|explained|described|shown]
list everything metallic can do
I forgot the [flags|options|commands|syntax|name of a flag|arguments]
[help|usage] [text|screen|page|message|output]
[all|available|possible|existing|known] [flags|options|commands|subcommands|arguments]
how is [it|metallic|the command|the program] [used|called|operated|started]
[explain|show|print] the [usage|syntax|options|command line|arguments]
what [flags|options|arguments] [does it accept|does it know|do I have|can be used]

= Run metallic --version
am I running the [newest|latest|current|right|a recent] version
tell me the [version|version number|release|current version]
[version|release] [information|info|check|please]
how [new|old|recent] is [my metallic|this version|this release|my copy]
[which|what] [release|build|version] [do I have here|is running|did I install]

= metallic has completions
can [zsh|bash|the shell|my shell|fish] [complete|finish|suggest] [the flags|options|commands|arguments]
set up [completions|completion|tab completion|autocomplete] [in|for] [bash|zsh|my shell]
[complete|suggest|autocomplete] [options|flags|commands][| with tab| automatically]
[press|use] [tab|the tab key] to complete

= Run make run
how is [metallic|it|the program|the project|the binary] [compiled|built|made|produced|assembled]
[fastest|quickest|shortest|easiest] way to [see it running|try it|a first answer|run it|get a result|build it]
what do I do [after downloading the source|after the clone|with the source|with the sources|first|to build it]
[compile|build|make] [metallic|everything|the code|the binary|the sources|it][| please| now]
[how|where] do I [begin|start|get started|get going]
[build|compile] [command|it yourself|from git|from the repository|the latest source]
[first|initial] [run|start|build|try]

= Run make test
how do I [verify|check|test|confirm|know] that my [build|change|version|copy|compile] [is correct|works|is fine|is right|is good]
run the [unit tests|tests|regression tests|whole test suite|complete tests|checks]
[test|check|verify] [everything|the build|the code|my changes|the program|my work]
[are|is] there [tests|a test suite|unit tests]
[test|testing|verification|unit test] [command|run|suite]

= Run make install
copy metallic to [my system|/usr/local|my computer|the system]
how is [it|metallic|the program|the library] installed
[install|deploy] [metallic|it|the program] [on my computer|on my system|globally|for all users|here|]
[place|move|add] [the binary|metallic|the command] [in|to|into] [/usr/local/bin|my PATH|the system path|bin]
[installation|install|setup] [command|steps|guide|]

= Run make asan
test with [AddressSanitizer|the address sanitizer|ASan|sanitizers|UBSan]
are there [sanitizer builds|sanitizer tests|builds with sanitizers|asan builds]
[detect|find|catch|search] [memory errors|invalid memory access|out of bounds access|leaks|undefined behaviour|a memory leak]
[memory|undefined behavior|leak] [checks|check|checking|errors|test]

= Run make fuzz
is there [fuzzing|a fuzzer|fuzz testing|a fuzz target]
run the [fuzz targets|fuzzers|fuzzer|fuzz tests]
[test|try|attack] [the parsers|the reader|it] with [random files|broken files|malformed input|random bytes]
[fuzz] [testing|tests|target|the gguf reader|the tokenizer|the template parser]

= Press Ctrl-C
how do I make it [stop talking|stop writing|stop|be silent now|end its answer|quit|halt]
I want to [quit|stop|leave|exit|cancel|end it|abort] [in the middle of an answer|now|before it is finished|while it writes|early|the program|the generation]
how can I [interrupt|stop|end|cancel|abort|quit][| it| the model| a generation|]
[stop|end|quit|kill|abort|halt|terminate] [the|this] [program|process|generation|answer|run|model|output]
[is there|which is] a [key|way] to [interrupt|abort|stop] [it|the answer|generation]
[enough|that's enough], stop[| it| writing]
[get|go] out of [the program|metallic|it]

= Exit codes
which code does it [exit with|return|give|end with] [on errors|on success|on failure|after Ctrl-C|on bad usage|]
what does [return code|exit code|status|code|exit status] [1|0|2|130] [mean|stand for|say]
[exit|return|error] [code|codes|status|value] [of metallic|1|2|130|0|meaning|list]
how do I [check|test|detect|see] [success|failure|errors|whether it worked] in a [script|shell script|program]
[what|which] [number|code|value] [comes back|is returned|does it give back] [on error|after an error|if it fails|at the end]

= Metallic runs GGUF models
which models are [compatible|supported|runnable|possible|ok|allowed]
can it [do|handle|run|load|use] [Qwen2|Qwen2.5|Qwen|qwen2.5 instruct|Qwen 2.5 7B]
[supported|compatible|usable|working|allowed] [model families|models|LLMs|architectures|networks|model types]
[what|which] [model family|architecture|kind of model|type of model|models] [does it|can it|will it] [run|support|understand|execute|handle]
[is|are] Qwen [supported|models supported|ok|possible|models ok]
[list|name] the [models|supported models|architectures]

= No. Metallic runs models of
how about a [Mistral 7B|Llama 8B|Gemma|Phi-3|Mixtral|Llama model|DeepSeek model|Falcon]
does [Llama|Mistral|Gemma|Phi|DeepSeek|Mixtral|Falcon|GPT-2] [run|work|load] [here|with it|with metallic|]
can [it|metallic] [load|do|run|handle|use] [DeepSeek|Llama|Mistral 7B|Gemma 2|Phi-3|Mixtral|a Llama|StableLM|Falcon]
I [want|would like|need] to [run|use|load] [Llama|Mistral|Gemma|Phi-3|DeepSeek|Mixtral]
[Llama|Mistral|Gemma|Phi|Mixtral|DeepSeek|Llama 3] [model|possible|supported|too|as well]

= Metallic reads tensors
is [F16|Q8_0|F32|half precision|fp16|8-bit] [okay|ok|fine|possible|supported|enough|readable]
which [precisions|quant types|quants|number formats|quantizations|tensor types] are [understood|supported|possible|there|readable|known|allowed]
[supported|known|possible|available] [quant types|quants|precisions|number formats|quantization types|tensor formats]
can it [read|use|load] [half precision|F16|8 bit|Q8_0|full precision|float32] [weights|models|tensors|files|]
[what|which] [quantization|quant|precision] [can|may|does] [it|my model|metallic] [have|use|read|support]

= No. Metallic reads F32
I have a [Q4_K_M|Q4_0|Q5_K_M|4-bit|BF16|Q6_K|IQ3] [file|model|gguf][|, does it work|, can I use it|, will it load|, can it run]
are [K-quants|4-bit models|4-bit quants|I-quants|5-bit models|lower quantizations|Q4 files] [supported|possible|ok|readable]
does [bfloat16|BF16|int4|Q4|4 bit|Q4_0|Q5_K] [or BF16 |]work
[Q4_K_M|Q4_0|BF16|bfloat16|4-bit|Q5_K_M|Q6_K|Q3_K|int4] [file|support|model|possible|models]
[less|fewer] than 8 bits

= Metallic reads GGUF files
do [safetensors|ONNX|PyTorch|pickle|TensorFlow|checkpoint] files [work|load]
can I [load|use|open|run|give it] a [checkpoint|model|file] [from PyTorch|in safetensors|from TensorFlow|in ONNX|from Hugging Face|without gguf]
[other|which|what] [file formats|formats|file types|kinds of files] [than GGUF|besides gguf|does it read|are readable|]
[safetensors|onnx|pytorch|checkpoint|pickle] [file|files|support|possible]
[must|does] [my|the] model [have to be|be|need to be] a GGUF

= Metallic does not convert
can it [convert|turn|transform|change] [my model|safetensors|weights|a checkpoint|an F16 file] [to|into] [gguf|GGUF|Q8_0|another type]
how do I [make|get|create|produce] a [Q8_0|gguf|GGUF|quantized model|Q8_0 file] [out of|from] [an F16 file|safetensors|a checkpoint|my model|an F32 model|PyTorch weights]
[conversion|converting|quantizing|converter|quantizer] [tool|to gguf|of models|models|command|]
[change|reduce] the [type|precision] of [a model|my model|the weights][| to Q8_0|]
[convert|quantize] [F16|F32|weights|it|Qwen] [to|into] [Q8_0|GGUF|8 bit]

= Metallic runs models; it
can I [train|teach|fine-tune|improve|adapt] [my own model|a model|it|a network|the bundled model]
is [finetuning|training|fine-tuning|LoRA|learning|adaptation] [supported|possible|included|there|planned]
[learn|adapt|train|tune] [on|from|with] my [data|texts|own data|documents]
[train|training|finetune|fine-tuning|LoRA] [a model|please|mode|command|]
does it [learn|get better|improve] [from my questions|over time|with use|]

= Metallic downloads
can you [download|fetch|get] [Qwen|a model|weights|models][| for me|]
how do I [obtain|get|find|acquire|download] [a gguf|a model|weights|Qwen|GGUF files|models]
[where|from where] [do|can] [models|the models|gguf files|weights] come from
[get|fetch|pull|download] [qwen|a bigger model|models|something|weights][| from Hugging Face| from the hub| automatically]
is there a [model hub|download command|pull command|model store|list of downloads]

= Metallic has no server
does it [speak HTTP|listen on a port|have a port|serve requests|have a web page|have an endpoint|offer a REST API]
can [other programs|other computers|clients|a browser|my website|my phone] [reach|call|connect to|talk to|use|query] it[| over the network| over HTTP| remotely|]
start [metallic|it|the model] as [a web service|a server|a daemon|a service|an API]
[web|HTTP|network|remote|API] [service|access|server|endpoint|interface|port]
[host|serve|share] [it|a model|the model|metallic] [on a server|for others|in my network|on the web|]

= Metallic runs on Linux
is there a [Windows|Mac|Linux|macOS|Debian|Android|iOS|FreeBSD] [version|build|port|package|release]
does it run on [my iMac|Linux|Windows|macOS|Ubuntu|my Mac|Debian|a Chromebook|my PC|Apple computers]
which [OS|operating system|system|platform] [do I need|is supported|does it need|is best|does it run on]
[on|for|under] [Windows|Linux|macOS|a Mac|Ubuntu|Debian][| too| as well|]
[operating system|OS|platform|Windows|Mac|Linux] [requirements|support|compatibility|version]

= Metallic is a program
what's this [program|software|tool|project|thing|command] for
explain [metallic|this program|this software|the project] in [one sentence|short|a few words|simple words]
what exactly is [metallic|this|this program|this software]
[introduction|overview|summary|description] [of|to] [metallic|the program|this project]
what is this[| program| software| thing| tool| all about]
[who|what] is metallic [made for|for|good for|useful for|meant for]
what can I [use|do with] metallic [for|]

= GGUF is a file
what kind of [format|file|thing] is [gguf|GGUF|a gguf file]
tell me about [GGUF|gguf|the gguf format|gguf files]
what do you [store|find|put] in a [gguf|GGUF file|gguf file]
[gguf|GGUF] [format|file format|definition|files|meaning|explained]
[which|what] format are [the models|models|the weights] in

= Q8_0 stores
how does [8-bit quantization|Q8_0|q8_0] [store|save|represent|encode] [weights|numbers|values]
what does Q8_0 [mean|do|stand for|store]
[Q8_0|q8_0] [format|blocks|explained|definition|meaning|layout|type]
how many [weights|numbers|values] are in a [Q8_0 block|block|block of Q8_0]
[eight|8] bit [weights|integers|quantization][| in blocks|]

= F16 stores
what's [fp16|F16|float16|half precision|half float]
how [large|big|many bits] is [an F16 number|a half|F16|fp16|a half float]
[half|16-bit] [precision|float|floats|numbers]
= F32 stores
what's [fp32|F32|float32|single precision|full precision]
how [large|big|many bits] is [an F32 number|a float|F32|fp32]
[full|32-bit] [precision|float|floats|numbers]

= Quantization stores
what does it mean to [quantize|quantise]
what's [a quantized model|quantization|quantizing|a quant]
[why|when] [quantize|quantise|is quantization useful|do models get quantized]
[quantization|quantized] [meaning|explained|definition|advantages|benefits]
what [happens|changes] when a model is quantized
how does quantization [work|help|save memory]

= Use Q8_0 for speed
which [quantization|type|format|quant|precision] [do you recommend|is recommended|is best for me|should I download|should I prefer|would be best|is a good choice]
is [F16|Q8_0|F32] [slower|faster|better|worse|more exact|more precise] than [Q8_0|F16|F32]
[Q8_0|F16] or [F16|Q8_0|F32]
what [should I choose|is better|is faster|to take]: [F16 or Q8_0|Q8_0 or F16]
[best|good|fast|exact|accurate] [choice of type|type for accuracy|type for speed|quantization for me]

= A token is
what exactly [is a token|are tokens]
define [token|a token|tokens]
[token|tokens] [meaning|definition|explained]
what [counts as|do you call] a token
how [many letters|long] is a token
= The tokenizer is
which [tokenizer|vocabulary|BPE] is [in there|used|inside|built in|in metallic]
how does [BPE|byte-level BPE|the tokenizer|byte pair encoding] [work|cut text|split words]
[tokenizer|BPE|vocabulary|tokenization] [type|details|kind|explained|algorithm|method]
how is text [split|cut|divided|turned] into tokens inside
= The KV cache
what does the [KV cache|kv cache|cache] [hold|keep|store|contain|do|save]
tell me about the [key-value cache|KV cache|kv cache|cache of keys]
[KV cache|kv cache|key-value cache|kv] [meaning|definition|explained|purpose|contents]
what is [cached|kept in memory|remembered] [during generation|between tokens|while it generates]
= Prefill reads
what does the prefill [step|phase|stage] do
prefill
[prefill|prompt processing|prompt evaluation] [meaning|phase|step|stage|explained]
how does it [read|process|digest] the prompt
= Decode writes
explain decoding
what's the [decode phase|decode step|decode stage|generation phase]
[decode|decoding|generation] [meaning|phase|step|stage|explained]
how does it [write|produce|generate] the answer
= Attention lets
what is attention [for|good for|doing]
what's [self-attention|attention|causal attention]
[attention|self-attention] [meaning|mechanism|explained|layer]
= In grouped-query
what's [grouped-query attention|GQA|grouped query attention]
why [GQA|grouped-query attention|do heads share keys and values|grouped heads]
[GQA|grouped-query attention|grouped query attention] [meaning|explained|definition]
= RoPE rotates
what's [RoPE|rope|a rotary embedding|rotary position encoding]
how do [rotary embeddings|rotary position embeddings] work
[RoPE|rotary embedding|rotary embeddings|position encoding] [meaning|explained|definition]
how does [it|the model] know the [position|order|positions] of [tokens|a token|words]
= RMSNorm divides
what's [RMSNorm|rmsnorm|the norm|the RMS norm]
what does the [norm|normalization|RMSNorm|norm layer] do
[RMSNorm|normalization|norm] [meaning|explained|definition|layer]
= SwiGLU is
what's [SwiGLU|swiglu|the feed-forward layer|the MLP]
[SwiGLU|feed-forward|feed forward|MLP] [meaning|explained|definition|layer|block]

= Metallic is written in C11
is it [Rust|C|C++|Python|Go|C code|Java]
in which language did [you|they|the authors] [write|code|program|implement] [metallic|it|this]
[what|which] language [is this|is the code|is the source|was it written|did you use]
[C|Rust|C++|Python] [code|program|source|project] or not
[written|coded|programmed|implemented] in what

= Metallic is free software
is [this|it|metallic] under [the MIT license|a free license|the GPL|an open license|which license]
may [companies|I|we|anyone|everybody] [use|change|share|sell|fork] [it|metallic|the code][| commercially| freely|]
is it [gratis|free|open|free of cost|free software|MIT]
what [am I allowed|are we allowed|is allowed] to do with [it|the code|metallic]
[MIT|GPL|license|licence|legal] [question|terms|text|conditions|]
what does [it|metallic|a license] cost

= Nothing leaves
does [anything|something|any data|my text] get [sent|uploaded|transmitted|shared|out] [to a server|anywhere|over the network|to the internet|]
do I have to be [online|connected|on the internet|on a network]
is there [any tracking|telemetry|a privacy problem|any network use|spying|logging to a server]
[where|to whom] [does|do|is] my [data|text] [sent|stored]
[internet|network|online|cloud|connection] [needed|required|necessary]
[privacy|telemetry|tracking|data protection|data collection]
[is|are] my [conversation|chats|prompts|data] [stored|logged|saved|recorded|shared]

= Yes. It works offline
can it [run|work|answer|function] with no [internet|network|connection][| at all|]
is it [private|offline|local|self-contained|secure for my data|running on my machine only]
[offline|locally|without internet|air-gapped|without network][| possible| usable| too]
[use|run] it [on a train|in the mountains|in an airplane|in a bunker|without Wi-Fi|with the network off]

= Meson and Ninja
is there a [CMake build|CMake file|Meson build|configure script|Bazel build|build system]
which build [tool|tools|system] [do you use|is used|does it have|builds it]
[CMake|Meson|Ninja|autoconf|Makefile] [build|files|used|support|project]
how is the build [organized|done|set up|made|configured]

= You need git
what should I [install|have|prepare|get] before [compiling|building|the build|I start|compilation]
list [the|all] [dependencies|requirements|prerequisites|needed packages]
[which|what] [software|programs|libraries|packages|tools] [must be|have to be|should be|need to be] [installed|there|present]
[dependency|dependencies|requirements|prerequisite] [list|for the build|of metallic|to compile]
what is needed [to compile|to build|for building|for compiling][| it| metallic| from source|]
is [gcc|clang|python|git|make|a compiler] [needed|required|necessary|enough]

= Include metallic.h
I want to [call|use|embed|include|link] [metallic|it|the engine] [from|in|into] my [C code|own code|C program|application|game|editor]
is there a [library version|library|C library|C interface|shared library|developer API|SDK]
which [header|header and library|library|include file|header file] [do I need|do I use|should I include|must I link]
[develop|write|build|program] [an application|software|a program|something] [with|on top of|using] [metallic|the library|libmetallic]
[library|C|header] [use|usage|interface|documentation|functions]
[shared|static] library

= Call met_model_open
what's [met_model_open|met_model_open for]
which function [loads|opens|reads|maps] [a GGUF|a gguf file|the model|model files]
= Call met_generate
what's [met_generate|met_generate for]
which function [produces|generates|makes|returns] [tokens|text|an answer|answers]
= A session is
explain [met_session|the session|a session]
what does a session [store|hold|contain|remember|keep]
[session|met_session] [meaning|definition|object|explained]

= The same logits
does the [answer|result|output|text] depend on the [thread count|number of threads|CPU|processor|machine|number of cores]
is the [computation|arithmetic|math|calculation|result] [bit-exact|exact|deterministic|identical everywhere|always the same bits]
[same|identical|equal] [bits|numbers|logits] [on every machine|for any thread count|on all CPUs|with any instruction set|everywhere]
[do|will] [different CPUs|two computers|AVX2 and AVX-512|4 and 8 threads] give the same [result|numbers|logits|answer]
[numeric|numerical|bitwise] [stability|accuracy|guarantee|differences|determinism]

= It uses AVX2
is [AVX-512|AVX2|SIMD|VNNI|AVX] [used|supported|needed|required|exploited]
does it have [SIMD kernels|AVX kernels|vector code|AVX-512 kernels|hand-written kernels]
[which|what] [vector|SIMD|processor|CPU] [extensions|instructions|features] [are used|does it use|are needed|are supported]
[AVX2|AVX-512|SIMD|vector|VNNI] [kernels|instructions|use|extensions|available]

= The bundled model is
what model [am I talking to|answers me|is running|is loaded] if I [give no file|name no model|pass nothing|give none]
is a model [included|inside|delivered with it|part of it|built in|shipped]
can I try [it|metallic] [with no model of my own|without my own model|without a model file|without any file|without weights]
[included|internal|embedded|small|shipped|packaged] [model|weights|network]
what [does the bundled model do|is the built-in model good for|can the bundled model do]
[without|with no] [a |]model [file|of my own|at all|given]
[does|will] it [work|run|answer] [out of the box|right after the build|without a gguf|with nothing else]

= Yes. metallic prints
is the text [shown|printed|visible|displayed] while it is [produced|generated|written|computed|made]
does it [support|do|have|offer] streaming
[streaming|live output|incremental output|token streaming] [possible|supported|available|mode|]
[see|watch|read] the [answer|text|tokens] [grow|appear|come|as they come|live]
[word|token] by [word|token]

= The answer goes
how do I write the [answer|output|text|reply] [into a file|to a file|to disk]
does the answer go to [stdout|stderr|standard output|the terminal]
[save|put|keep|log|write|dump] [the answer|output|the text|the reply] [to disk|in a file|somewhere|into a log|into answer.txt]
[stdout|stderr|standard output|standard error] [or stderr|content|output|use|]
is the answer [on stdout|on stderr|mixed with messages|separate from messages]

= Lower the temperature
the model [answers|talks|writes|says|tells] [rubbish|nonsense|garbage|lies|wrong things|silly things]
how can the [answers|results|texts|replies] [get|become|be] [better|more useful|more correct|more sensible]
[better|good|more correct|smarter|useful] [answers|quality|results|output][| please]
why is the [answer|output|result|text|quality] [so bad|wrong|poor|nonsense|useless|low]
[poor|bad|low|terrible] [quality|answers|output|results]

= Read SECURITY.md
how do I [disclose|report|tell you about|send in] a [vulnerability|security flaw|security bug|weakness]
where is the security [policy|page|contact|information|file|document]
[report|found|discovered] [a vulnerability|a security flaw|a hole|an exploit|a security problem]
[security] [flaw|hole|issue|contact|team|bug]
= Read CONTRIBUTING.md
can I help [with development|develop metallic|the project|you|with the code]
where do I read about [contributing|contributions|how to help|sending patches]
[become|I want to be] a [contributor|developer|maintainer]
[contribute|contribution|pull request|patch] [rules|guide|guidelines|process|how]
= Give a new architecture
how do I add support for a [new architecture|new model|different architecture|new model family]
where does the code of a [new|another] [architecture|model] [belong|go|live]
[extend|teach] metallic [to run|with] [other architectures|another architecture|a new architecture]

= Use fewer threads or
it [eats|fills|needs|wants|takes] all my [RAM|memory]
can I [reduce|lower|limit|shrink] the memory [use|usage|footprint|consumption|need]
[too much|less|more|how much|not enough|little] [RAM|memory][| is used| needed| use| available|]
[run|use] [it|a model|big models] with [little|less|only 4 GB|8 GB] [memory|RAM|of RAM]
the [process|program|system] [is killed|was killed|runs out of memory|swaps]

= Use a smaller or Q8_0
generation is [too |so |very |]slow[| for me|]
what makes it [run faster|faster|quicker|slow|go faster]
[speed|make] [it|things|generation|the model] [up|faster|quicker]
[too|very|so|awfully] slow
[I want|I need|give me] [more speed|it faster|higher speed|more tokens per second]
[slow|sluggish] [generation|answers|output|model|responses]
[tips|advice|ideas] for [speed|performance|faster answers]

= --top-k keeps a fixed
what's better, [top-k or top-p|top-p or top-k]
how is [top-k|top-p] different from [top-p|top-k]
[top-k|top-p] [compared to|against|and] [top-p|top-k]

= Read SECURITY.md
I found a [vulnerability|security hole|security bug|security problem|exploit|crash with a bad file|buffer overflow][|, whom do I tell|, what now|, where do I report it|, whom do I write to]
how do I [report|disclose|announce|submit] a [security issue|vulnerability|security problem|security hole|exploit]
[whom|who] do I [tell|contact|inform|write to] about [a security problem|a vulnerability|security|an exploit]
[security|vulnerability] [policy|report|contact|reports|issues|disclosure|]
is it safe to open [a model from a stranger|unknown files|untrusted models|untrusted files]
what about security

= Read CONTRIBUTING.md
how can I [contribute|help|help out|take part|join|submit a patch|send code|get involved|make a pull request|help develop it]
I'd like to [send a patch|contribute|help|fix a bug|submit code|improve metallic|add code|join the project|open a pull request]
[contributing|contributions|pull requests|patches|contribution guide|how to contribute]
can I [contribute|help|send a patch|add code|submit changes|join]
where do I [send|submit] [a patch|patches|code|pull requests|my changes]

= Give a new architecture
how [do|can|would] I [add|implement|write|support|port|create] [a new architecture|another architecture|a new model type|Llama support myself|a model family|an architecture|support for a new model]
[where|how] does a new [architecture|model type] go
[implement|add|port] [Llama|Mistral|Gemma|a new model family|a new kind of model] [in the source|in the code|myself|to the source]

= Use fewer threads or
it [uses|needs|takes|eats|wants] [too much|a lot of|so much|all my|too much of my] [memory|RAM]
how much [RAM|memory] [do I need|does it need|is needed|does it use|does it take|is required|must I have]
[out of|not enough|too little|low on] [memory|RAM]
[reduce|lower|shrink|cut|limit|decrease] [the memory|memory usage|the RAM usage|memory consumption|RAM use|its memory footprint|memory use]
my [computer|machine|laptop] has [little|only 4 GB of|not much|only 8 GB|too little] [memory|RAM]
[memory|RAM] [usage|consumption|requirements|use|footprint|needs]

= Use a smaller or Q8_0
it is [slow|too slow|so slow|very slow|really slow|slower than I hoped|sluggish][|, what can I do|, why|, what helps|, how do I fix that]
how do I [speed it up|make it faster|make it quicker|get more speed|get more tokens per second|increase the speed|improve the speed|raise the throughput|lower the latency|accelerate it]
why is [it|metallic|the answer|generation|the model|decoding] [so slow|slow|taking so long|that slow]
[faster|more speed|speed up|quicker|accelerate|higher speed][| please| generation| answers]
the [answer|model|output|generation] [takes|needs|comes] [too long|forever|so long|too slowly|a long time|ages]
[improve|increase|optimize|boost] [speed|performance|the speed|the performance|throughput|the throughput|the generation speed]
[what|how] makes it [fast|faster|quick|quicker]

= An embedding is
what is [a token embedding|an embedding|the embedding layer|an embedding vector]
explain [embeddings|token embeddings|the embedding][| to me|]
what does the embedding [do|mean]

= Inference means
what does [inference|inferencing] mean
what is [inference|model inference|an inference engine]
explain [inference|what inference is]
"""

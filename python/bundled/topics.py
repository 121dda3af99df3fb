"""What the bundled model can be asked about metallic: topics, each with its one answer.

Owns: answers and the first phrasings of each topic; topics_more.py has the rest of them. Does not
own: frames (about.py), more phrasings (phrasings.py and what follows it).

A block:    = answer
            do: a verb phrase, put into every frame of about.FRAMES_DO and, as a gerund, FRAMES_ING
            is: a noun phrase, put into every frame of about.FRAMES_IS
            flag: name of an option; stands for `is:` lines with its spellings
            command: name of a subcommand, likewise
            q: a whole question
"""

TOPICS = """
= Use --gguf-path FILE to choose the GGUF model to run.
flag: gguf-path
do: [load|open|run|use|choose|select|pick|start|try] [a|another|a different|my own|some other|a larger|my] [|GGUF ]model[| file]
do: [load|open|run] a [GGUF|gguf|.gguf] [file|model]
do: use a GGUF model
do: [give|name|tell it|tell metallic|specify|set|pass] [the|which] model [to use|file|path]
do: [switch|change] [the model|to another model|models]
do: [point|direct] metallic [at|to] [a|my] [model|model file|GGUF file|file on disk]
do: [use|run|load] [something other than|a model other than|something bigger than] the [built-in|bundled|default] model
do: run the [Qwen model|model] [that I have|on my disk|that I downloaded]
do: use [a downloaded model|downloaded weights|weights from my disk|my own weights]
is: the path [of|to] [the|a] model[| file]
q: Where do I put [the|my] model[| file]
q: I [downloaded|have] a [model|GGUF|gguf file], [how do I run it|what now|how do I use it]
q: Which model does metallic [run|load|use]

= Use --prompt TEXT to give the prompt.
flag: prompt
do: [give|pass|send|set|provide|write|enter|supply|specify] [a|the|my] [prompt|question|input|user message][| text]
do: [send|pass|give] [some |]text to the model
do: [ask|put] [a question|something|questions][| from the command line| to the model| from a shell]
do: [talk to|query|prompt|ask] the model
is: the [prompt|input text|user message]
q: Where does [the|my] [prompt|question|input] go

= Use --system TEXT to set the system message.
flag: system
do: [set|change|give|add|use|write|provide|pass|specify|define] [a|the|my own] system [message|prompt|text|instruction]
do: [tell the model how to behave|give the model instructions|set the role of the model|instruct the model|give the model a role|define the behavior of the model|give it a personality]
do: [make the model act like|have the model play] [a pirate|a teacher|someone else|a character]
is: [a|the] system [message|prompt]
q: Where do [instructions|system instructions] [for the model |]go

= Use --max-tokens N to limit how many tokens are generated.
flag: max-tokens
do: [limit|set|restrict|cap|change|bound|control] [the|how many] [tokens it writes|number of tokens|tokens|generated tokens|output tokens|new tokens]
do: [limit|set|restrict|cap|change|shorten|control|bound] the [length|size|maximum length] of the [answer|output|reply|response|text]
do: [make|keep|get] [the|its] [answer|answers|output|reply|text] [shorter|short|longer|brief]
do: [stop|end|cut off|finish] [it|the answer|generation|the output] after [N|100|some|a few|a number of] tokens
do: [get|generate] [at most|no more than|only] [N|50|ten|a few] tokens
do: [get|have] [a longer|a shorter|longer|shorter|short] [answer|answers|text|replies]
do: [set|change] the maximum [number of tokens|length|token count|answer length]
do: [stop it from writing|make it write] so much
do: [limit|change|set] the answer length
is: the [maximum|most] number of tokens
is: the [length limit|token limit|answer limit]
q: [The|My] answer is too [long|short][|, what can I do]
q: The [answer|output|text] is cut off[|, why]
q: How many tokens [will it|does it|can it] [generate|write]

= --temperature T sets how random the choice of tokens is; 0 always takes the most likely one.
flag: temperature
do: [set|change|lower|raise|adjust|increase|decrease|reduce|control|choose|configure|modify|turn down|turn up] the [|sampling ]temperature
do: [make|get] [answers|the output|the text|the answer|it|replies] [less|more] [random|creative|varied|predictable|deterministic|surprising|wild|boring]
do: [control|change|reduce|increase|set|adjust|turn off] [the |][randomness|creativity]
do: [turn on|use|get|do|enable] greedy [decoding|sampling|output|search]
do: [always|only] [take|pick|choose] the most likely token
do: [disable|turn off|switch off] [sampling|randomness]
do: [make|get|have] [the output|it|the answers|answers|results|the results|generation] deterministic
do: [get|have] [deterministic|predictable|more diverse|more creative|creative] [answers|output|text]
is: [the |][|sampling ]temperature
is: a [high|low|zero] temperature
is: greedy [decoding|sampling]
q: What temperature should I [use|choose|set]
q: What is a good temperature
q: [What does|What happens with] a temperature of [0|1|zero]
q: The answers are too random

= --top-k K keeps only the K most likely tokens.
flag: top-k
do: [set|use|change|try|enable|choose|adjust] [top-k|top k|topk|top-k sampling|top k sampling]
do: [sample|choose|draw|pick] [only |][with top-k|from the k most likely tokens|from the 40 most likely tokens|among the best k tokens|from the top 40|from the k best tokens]
do: [keep|consider|allow] [only |]the [k|40|top|ten|k best|K] [most likely|most probable|best|likeliest] tokens
do: limit [sampling|the choice] to [k|the k best|a fixed number of] [tokens|candidates]
is: [top-k|top k|top-k sampling|top k sampling]

= --top-p P keeps the most likely tokens whose probabilities add up to P.
flag: top-p
do: [set|use|change|try|enable|choose|adjust] [top-p|top p|topp|top-p sampling|nucleus sampling|the nucleus|top p sampling]
do: [sample|choose|draw|pick] [with top-p|from the nucleus|with nucleus sampling]
do: [keep|sample from] the tokens [that|whose probabilities] [sum to|add up to|make up] [0.9|P|90 percent]
do: limit sampling by cumulative probability
is: [top-p|top p|top-p sampling|nucleus sampling|cumulative probability sampling|the nucleus]

= --top-k keeps a fixed number of tokens, --top-p as many as reach a probability.
q: [What is|What's|Explain] the difference between [top-k and top-p|top-p and top-k|--top-k and --top-p|top k and top p]
q: How do [top-k and top-p|top-p and top-k|top k and top p] differ
q: [Compare|Compare the flags] [top-k and top-p|top-p and top-k|--top-p and --top-k]
q: [top-k or top-p|top-k vs top-p|top-p or top-k|top-k versus top-p]
q: Should I use [top-k or top-p|top-p or top-k]
q: Is [top-k|top-p] better than [top-p|top-k]

= --min-p P drops tokens less likely than P times the most likely one.
flag: min-p
do: [set|use|change|try|enable|choose|adjust] [min-p|min p|minp|min-p sampling|min p sampling]
do: [sample|choose|draw] with min-p
do: [drop|remove|cut|filter out|throw away|discard|get rid of] [unlikely|improbable|rare|the least likely|very unlikely] tokens
do: set a [minimum|relative|lower] probability[| threshold| limit] [|for tokens]
is: [min-p|min p|min-p sampling|min p sampling|the minimum probability]

= --repeat-penalty X makes tokens that were used already less likely.
flag: repeat-penalty
do: [avoid|reduce|stop|prevent|fight|lower] [repetition|repetitions|repeats|repeated text|loops|looping]
do: [stop|keep|prevent] [it|the model|metallic] from [repeating itself|saying the same thing|looping|repeating|going in circles|repeating words]
do: [set|use|change|add] [a|the] [repetition|repeat] penalty
do: [penalize|punish] [repeated tokens|repetition|repeated words|repeats]
do: make [it|the model] repeat [itself less|less]
is: [a|the] [repeat|repetition] penalty
q: [It|The model|The text] [keeps repeating|repeats] [itself|the same thing|words|the same sentence]
q: Why does [it|the model] [repeat itself|keep repeating itself|loop]

= --presence-penalty X lowers every token that appeared already by a fixed amount.
flag: presence-penalty
do: [set|use|change|add|apply] [a|the] presence penalty
do: [make the model talk about|encourage|push the model to] new [topics|words|tokens]
do: [lower|penalize] every token that [appeared|was used] already[| once]
is: [a|the] presence penalty

= --frequency-penalty X lowers a token more the more often it appeared.
flag: frequency-penalty
do: [set|use|change|add|apply] [a|the] frequency penalty
do: [penalize|lower] tokens by how often they [appeared|occur|were used|appear]
do: [penalize|discourage] [frequent|often used|very frequent] [words|tokens]
is: [a|the] frequency penalty

= The presence penalty is a fixed amount; the frequency penalty grows with the count.
q: [What is|What's|Explain] the difference between [the |][presence and frequency|frequency and presence|presence-penalty and frequency-penalty] [penalty|penalties|]
q: How do [presence and frequency|frequency and presence|the presence and the frequency] [penalty|penalties] differ
q: [Compare|Explain] [presence and frequency|frequency and presence] penalty
q: [presence or frequency penalty|presence penalty vs frequency penalty|frequency or presence penalty]

= --repeat-last-n N sets how many recent tokens the penalties look at.
flag: repeat-last-n
do: [set|change|choose] [the|how large the] [window|range|history] [of|for] the penalties
do: [set|change|limit] how [many tokens|far back] the [penalties|repetition penalty|repeat penalty] [look at|looks|look|see|looks at]
do: [change|set] the [|repeat ]penalty window
is: the [penalty|repetition|repeat penalty] window
q: How [far back|many tokens] do the penalties [look|see|look at]

= --seed N fixes the random choices: the same seed gives the same text.
flag: seed
do: [set|change|fix|choose|give|pass|use] [the|a|a fixed|the random] seed
do: [get|have|produce] the same [answer|text|output|result] [twice|again|every time|each time|always|when sampling]
do: [make|get] [the output|a run|a result|results|runs|sampling] [reproducible|repeatable]
do: [repeat|reproduce] [a run|a result|an answer|the same answer|a random answer][| exactly]
do: [get|have] [a different|another] answer [each time|to the same question|every time]
is: [the|a|a random|the random] seed
q: Why [is|are] the answer[|s] different [each|every] time
q: I get a different [answer|text] [each|every] time

= --context-length N sets how many tokens fit into the context.
flag: context-length
do: [set|change|increase|extend|limit|raise|reduce|choose|enlarge] the [context length|context|context size|context window|size of the context]
do: [use|get|have] a [longer|larger|smaller|bigger] context[| window]
do: [fit|process|use|read] [longer|long|very long] [prompts|texts|conversations|documents]
is: the context[| length| window| size]
is: a context window
q: [What is|How long is] the [maximum|longest] [context|prompt]
q: [My|The] prompt is too long
q: [What happens when|Why is] the context [is |]full
q: How [much|many tokens] fit[|s] into the context

= --threads N sets the number of CPU threads.
flag: threads
do: [set|change|choose|limit|increase|reduce|control] [the number of|how many|the] [|CPU |cpu ][threads|cores][| it uses| used| to use]
do: [use|run on|run with] [more|fewer|all|only two|4|8|several|all my|one|all CPU] [threads|cores|CPU cores|cpu threads|processors]
do: [make it|run] [multi-threaded|parallel|in parallel|on several cores|single-threaded]
do: use [my|the] whole [CPU|processor]
is: the [number of threads|thread count|CPU threads|worker threads|worker team]
q: How many [threads|cores] does [it|metallic] use
q: Does metallic use [all|several|multiple] [cores|threads]

= --backend NAME chooses the machine: auto, cpu or metal, where the build has it.
flag: backend
do: [choose|set|select|change|pick|switch] the [backend|machine|device|hardware]
do: [run|use metallic|work|do inference] on [the|a|my] [GPU|gpu|graphics card|NVIDIA card|video card|NVIDIA GPU|Apple GPU|Mac GPU]
do: [use|enable|run with|turn on] [CUDA|cuda|Metal|the GPU|GPU acceleration|my GPU|Apple Metal|my NVIDIA card|a GPU]
do: [run on|use|force|stay on] [the CPU|only the CPU|the processor|the CPU only|CPU only]
do: [run|do it] without [a|the] GPU
do: [disable|turn off] [the GPU|GPU|CUDA]
is: [a|the] backend
is: the [cuda|metal|cpu|CUDA|CPU] backend
is: [CUDA|GPU|cuda|GPU] support
q: [What|Which] [backends|devices|machines|hardware] [are there|does metallic have|are supported|does metallic support|exist]
q: Does [metallic|it] [run on|use|support|work with] [the GPU|CUDA|NVIDIA|Apple silicon|GPUs|Metal|cuda|a GPU|AMD|graphics cards]
q: Do I need a [GPU|graphics card]

= --output-format chooses tui, text, json, jsonl or none.
flag: output-format
do: [choose|change|set|select|control] the [|output ]format[| of the output| of the answer]
is: the output format
q: [Which|What] output formats [are there|exist|does metallic have|are supported|can I choose]
q: In which formats can [it|metallic] [print|write|answer]

= Use --output-format json for one JSON document with text, tokens and timings.
do: [get|print|write|produce|output|return|have|emit] [JSON|json|a JSON document|JSON output|the answer as JSON|the output as json|structured output|machine readable output|results in JSON|output in JSON]
do: [parse the output|read the answer] [in|from] a [script|program]
do: [use metallic from a script|call metallic from a script]
do: [see|get|print|measure] [the |][timings|tokens per second of a run|token ids of the answer|token counts|finish reason]
is: [the json format|JSON output|the json output|json output|output-format json|--output-format json]
q: What is in the [json|JSON] [output|document]

= Use --output-format jsonl for one JSON event a line.
do: [get|print|write|stream|have|output] [JSON lines|jsonl|JSONL|one event a line|events|a stream of JSON events|one JSON object per line|streaming JSON]
do: [stream|follow] [tokens|the answer|the output] as JSON
is: [jsonl|JSONL|the jsonl format|jsonl output|JSON lines|output-format jsonl|--output-format jsonl]

= json is one document at the end, jsonl one event a line while it runs.
q: [What is|What's|Explain] the difference between [json and jsonl|jsonl and json|JSON and JSONL]
q: How do [json and jsonl|jsonl and json] differ
q: [json or jsonl|jsonl or json|json vs jsonl|Compare json and jsonl|Should I use json or jsonl]

= Use --output-format text for the answer alone.
do: [get|print|have|output|show|write] [plain text|only the answer|just the answer|the answer alone|text only|nothing but the answer]
is: [plain text output|text output|the text format|output-format text|--output-format text]

= Use --output-format none to print no answer.
do: [print nothing|hide the answer|suppress the output|get no output|be silent|run silently|run without output|print no text]
is: [output-format none|--output-format none|the none format|silent output]

= --messages FILE reads a whole conversation, a JSON list of messages.
flag: messages
do: [read|load|pass|give|use|continue|send] a [whole |]conversation[| from a file]
do: [give|pass|send|use] [several|many|earlier|a list of] [messages|turns]
do: [have|continue|hold] a chat [of|with] several turns
do: [pass|include|send] the [chat history|history|earlier messages|previous turns|conversation so far]
is: [a conversation file|the messages file|a list of messages|multi-turn chat]
q: [Can|Does] [it|metallic|I] [do|have|hold|support|use] [several turns|a multi-turn chat|conversations|chat history|more than one turn]
q: How do I [go on with|continue] [a conversation|a chat|the conversation]

= --tools FILE gives the tools that the model may call, a JSON list.
flag: tools
do: [use|give|pass|add|define|list|provide] [tools|functions|a tool|tool definitions|functions to call]
do: [let|make] the model call [tools|functions|a function]
is: [tools|tool calls|tool calling|function calling|a tool call]
q: [Can|Does] [it|metallic|the model] [call|use|support] [tools|functions|tool calling|function calling]
q: Is [tool use|function calling|tool calling] [possible|supported]

= --ignore-end goes on after the model ended its answer, for benchmarks.
flag: ignore-end
do: [ignore|skip|disregard] [the end|the end token|end tokens|the end of the answer]
do: [go on|keep generating|continue] after the [end|end token|answer ended]
is: [the end token|an end token|ignoring the end]
q: Can it [go on|continue] after the end token

= --kv-type sets the type of cached keys and values: f16 or f32.
flag: kv-type
do: [set|change|choose] the [type|precision] of the [KV cache|kv cache|cache|cached keys and values]
do: [store|keep] the [KV cache|cache|keys and values] in [f32|F32|f16|half precision|full precision]
is: the [type|precision] of the [KV cache|kv cache]
q: [Which|What] type does the KV cache [have|use]

= Set METALLIC_BACKEND, METALLIC_THREADS or METALLIC_MAX_CONTEXT_LEN; flags win over them.
do: [set|give] [defaults|default settings|the threads|the backend] [in|through|with] the environment
is: [METALLIC_BACKEND|METALLIC_THREADS|METALLIC_MAX_CONTEXT_LEN]
q: [Which|What] [variable|environment variable] [sets|is for] the [threads|backend|context length|number of threads]

= --raw gives the prompt to the model as it is, without the chat template.
flag: raw
do: [skip|avoid|disable|turn off|bypass|leave out|not use] the [chat template|template]
do: [send|give|pass|use|feed] [a raw prompt|the prompt as it is|raw text|plain text to the model without a template|an unformatted prompt|the bare prompt]
do: [complete text|do text completion|continue a text|use a base model|let the model continue my text]
is: [raw mode|a raw prompt|raw text mode]
q: Can I [run|prompt the model] without [a|the] chat template

= --logprobs K reports the log probabilities of the K most likely tokens.
flag: logprobs
do: [see|get|print|show|report|output] [log probabilities|the log probabilities|logprobs|token probabilities|the probability of each token|how likely each token was|alternative tokens|the probabilities]
do: [see|show] [what else the model considered|the alternatives|the most likely alternatives|how sure the model is]
is: [logprobs|log probabilities|token probabilities]

= --stop S ends the answer where the text S appears.
flag: stop
do: [stop|end|finish|cut] [at|on|when it writes] [a word|a string|a text|a certain word|a stop string|a certain text|a newline]
do: [set|use|add|give|define] [a|several|the] stop [string|word|sequence|text|strings|words]
do: end the answer at a [given|certain] [string|word|text]
is: [a|the] stop [string|word|sequence]
is: stop [strings|words|sequences]

= --prompt-file F reads the prompt from a file; - is standard input.
flag: prompt-file
do: [read|take|get|load|pass|give] [the|a|my] prompt from [a|the|a text] file
do: [read|take|get|load|pass] [the|a|my] [prompt|question|input] [from|through|over|on] [stdin|standard input|a pipe]
do: pipe [text|a prompt|a file|a document|my question] [into|to] [metallic|the model|it]
do: feed [a file|a document] [into|to] [metallic|the model|it]
do: [use|send] [a text file|a file|the contents of a file|a whole document] as [the |]prompt
is: a prompt [file|in a file]
q: [Can|Does] [it|metallic] read [from |][stdin|standard input|a pipe]

= Run metallic tokenize TEXT to see its tokens.
command: tokenize
do: tokenize [text|a text|a sentence|some text|my prompt|a string|a file]
do: [see|show|list|print|get|find out|know] the [tokens|token ids|tokenization|ids] of [a|some|my] [text|sentence|file|prompt|string]
do: [count|see how many] [the |][tokens|tokens a text has|tokens of a text|tokens in a file]
do: [split|cut|break|turn|convert] [text|a sentence|a string] into tokens
do: [turn|convert|encode] text [to|into] [token |]ids
q: How many tokens does [a|my|this] [text|prompt|sentence] have
q: How is [a|my] text [tokenized|split]

= Use metallic tokenize --batch F.jsonl; it prints one array of ids a line.
do: tokenize [many|a lot of|several|thousands of] [texts|lines|strings|sentences][| at once]
do: tokenize [a jsonl file|a batch|in batches|a JSONL file]
is: [tokenize --batch|batch tokenization|the batch option of tokenize]

= Run metallic detokenize to turn token ids into text.
command: detokenize
do: detokenize [ids|tokens|token ids|a list of ids]
do: [turn|convert|decode|translate|change] [token ids|tokens|ids|token numbers] [|back ][into|to] text
do: [see|find out|get] [the text of|which text belongs to] [token ids|a token|a token id|some ids]
is: detokenization

= Run metallic logits --tokens IDS --output F.npy to write logits.
command: logits
do: [write|dump|save|export|get|see|store|extract|print] [the |][logits|raw logits|model's logits|raw scores][| to a file| as npy| to a numpy file]
do: [compare|check] the logits [with|against] [another program|PyTorch|transformers|numpy]
do: load the logits [in|into|with] numpy

= Logits are the model's raw scores for the next token.
is: [logits|a logit|the raw scores]

= Run metallic perplexity --file F to measure perplexity.
command: perplexity
do: [measure|compute|calculate|get|evaluate|find|test|determine] [the |]perplexity[| of a model| of a text| of a file]
do: [measure|check|see|test] how well a model predicts [a text|text]
do: [measure|evaluate] [the |]model quality

= Perplexity says how well a model predicts a text; lower is better.
is: perplexity
q: What is a [good|low|high] perplexity
q: Is [a |]lower perplexity better

= Run metallic inspect FILE to see a model's metadata and tensors.
command: inspect
do: [inspect|look into|look inside|examine|open and look at|explore] a [|GGUF ][model|file|GGUF|model file]
do: [see|show|list|print|view|display|read] the [metadata|tensors|contents|keys|shapes|architecture|parameters|details] of a [model|file|GGUF|GGUF file|model file]
do: [see|find out|know|check|learn|show] what is [inside|in] a [model|file|GGUF|GGUF file|model file]
do: [get|see|show] [information|info|details] about a [model|GGUF file|model file]
q: What is [in|inside] [my|a|this] [model|GGUF|file|GGUF file]

= Run metallic inspect FILE --program to see the operations of a model.
do: [see|show|print|list|view] [the program|the operations|the ops|the layers as a program|what the model computes|the compiled program] [|of a model]
is: [inspect --program|the --program flag|the program of a model|a model's program]

= Run metallic template --template-file T --messages M.json to render a chat template.
command: template
do: [render|test|try|check|debug|run|see the output of] [a|the|my] [chat template|jinja template|template|Jinja template]
do: [see|show] [how messages become a prompt|the rendered prompt|the prompt after the template|how my messages are formatted]

= A chat template turns messages into the prompt text that a model expects.
is: [a|the] chat template
is: chat templates
is: [a|the] Jinja template

= Run metallic synth SHAPE TYPE OUT to write a random model for speed tests.
command: synth
do: [make|create|write|generate|build|produce|get] [a|some] [synthetic|random|fake|test|dummy] [model|GGUF|weights|model file|GGUF file]
do: [make|create|generate] a model [with|of] random weights
do: [measure|test] [the |]speed without [a download|downloading a model|a real model]
is: a synthetic model
q: [Which|What] shapes does [synth|metallic synth] [know|have|support]

= Run metallic bench to measure speed.
command: bench
do: [benchmark|measure the speed of|measure|time] [metallic|a model|my machine|the model|inference]
do: [run|do|make] [a benchmark|benchmarks|the benchmark|speed tests|a speed test|the benches]
do: [see|measure|know|find out|get|test] [how fast it is|the speed|tokens per second|the performance|the throughput|the latency|how fast my machine is]
is: [the benchmark|benchmarking|tokens per second]
q: How fast is [metallic|it|my machine|this]

= Run metallic --help to see all options.
do: [get|see|show|find|print|read] [help|the help|the usage|the help text|usage information|instructions]
do: [see|list|show|print|get|find|know] [all|the|all the|every|a list of] [options|flags|commands|subcommands|switches|parameters|settings]
is: [--help|the --help flag|the help option|the help flag]
is: the [list of options|options|flags|subcommands|commands]
q: [Which|What] [options|flags|commands|subcommands|parameters|settings] [are there|exist|does metallic have|can I use|are available]
q: Where is the [help|documentation|manual]
q: How do I use [metallic|this program|it|this]

= Run metallic --version to see the version.
do: [see|print|show|check|find out|know|get|display] [the|which|what] version[| I have| number| this is| is installed| of metallic]
is: [--version|the --version flag|the version|the version flag|the version number]
q: [Which|What] version [is this|do I have|of metallic is this|am I running|is installed]

= metallic has completions for bash and zsh.
do: [get|use|enable|install|set up|have|turn on] [shell completions|tab completion|completions|completion|bash completion|zsh completion|auto-completion|autocomplete]
do: complete options with the tab key
is: [shell completions|tab completion|bash completion|zsh completion]
q: [Which|What] shells [are supported|have completions|does it support]

= Run make run to build metallic and answer a first prompt.
do: [build|compile|make] [metallic|the program|it from source|the code|the source|the project|everything|metallic from source|it]
do: [get started|start|begin|try metallic|start quickly|try it out|get started with metallic|run the first prompt]
is: [make run|the make run command|the first step|the quick start]
q: [What|Which] command builds [it|metallic|the program]
q: How do I run [metallic|it] for the first time

= Run make test to run every test.
do: [run|start|execute|do] [the|all|every|all the] [tests|test suite|test|unit tests]
do: [check|verify] metallic
do: [test|check|verify] [the build|that it works|that the build works|my build|my changes|the installation]
is: [make test|the make test command|the test suite|the tests]

= Run make install to install metallic.
do: [install|put in place] [metallic|it|the program|the command|the library|the man page|it on my system]
do: put metallic [in|into|on] my path
do: install it system-wide
is: [make install|the make install command|the installation]

= Run make asan to test with the sanitizers.
do: [build|run|test|check] [|it ]with [sanitizers|the sanitizers|ASan|address sanitizer|asan|UBSan|AddressSanitizer]
do: [find|check for] memory [errors|bugs|leaks]
is: [make asan|the sanitizer build|the sanitizers]

= Run make fuzz to fuzz the parsers.
do: [fuzz|run the fuzzers|start fuzzing|do fuzzing|run the fuzz targets|fuzz the parser|fuzz it|do fuzz testing]
is: [make fuzz|fuzzing|the fuzz targets|the fuzzers]

= Press Ctrl-C: it stops within one token and keeps what was printed.
do: [stop|interrupt|cancel|abort|quit|exit|kill|end|break off] [it|a run|metallic|the program|generation|the answer|while it is running|a running answer|generating]
is: [Ctrl-C|Control-C|ctrl c|an interrupt]
q: What happens [when|if] I press [Ctrl-C|Control-C|ctrl c|ctrl-c]

= Exit codes: 0 done, 1 failed, 2 bad usage, 130 interrupted.
is: [the|an] exit [code|status|codes]
is: [the|a] return code
is: exit [codes|status|code] [0|1|2|130]
is: exit codes
q: [Which|What] exit codes [are there|does metallic have|can it return|does it use|exist]
q: What does it [return|exit with] [on failure|when it fails|on success|on bad usage|when interrupted]
q: How do I know if it [failed|succeeded]

= Metallic runs GGUF models of the Qwen2 architecture, such as Qwen2.5.
is: the supported [models|architectures|architecture|model types|model]
is: [Qwen|Qwen2|Qwen2.5|the Qwen2 architecture]
q: [Which|What] [models|architectures|model types|kinds of models|model families|LLMs] [are supported|does metallic support|can metallic run|does it run|can I run|does metallic run|work|can it run|does it support|work with metallic]
q: [Does|Can] [metallic|it] [run|support|load|use] [Qwen|Qwen2|Qwen2.5|Qwen models|Qwen 2.5]
q: What can metallic run

= No. Metallic runs models of the Qwen2 architecture only.
q: [Does|Can] [metallic|it|I] [run|support|load|use] [Llama|Mistral|Gemma|Phi|DeepSeek|Falcon|Mixtral|llama models|Llama 3|GPT-2|BERT|Whisper|other architectures|Stable Diffusion]
q: Is [Llama|Mistral|Gemma|Phi|DeepSeek|Mixtral|Llama 3|GPT-2] supported
do: [run|load|use] [Llama|Mistral|Gemma|Phi|Mixtral|Llama 3|a Llama model|a Mistral model]

= Metallic reads tensors in F32, F16 and Q8_0.
is: the supported [tensor types|quantizations|types|tensor formats|weight types|data types|quantization types|quantization formats]
q: [Which|What] [tensor types|quantizations|types|quantization formats|formats of weights|weight types|data types|quantization types|quants] [are supported|does metallic support|can metallic read|does it read|can I use|work|does metallic read|does it support|does metallic know]
q: [Does|Can] [metallic|it] [read|support|run|load] [F16|F32|Q8_0|8-bit models|half precision|quantized models|f16|q8_0|fp16]

= No. Metallic reads F32, F16 and Q8_0 only.
q: [Does|Can] [metallic|it] [read|support|run|load|use] [Q4_0|Q4_K|Q4_K_M|Q5_K|4-bit models|BF16|bf16|int4|Q6_K|Q2_K|4 bit quantization|Q5_0|K-quants|IQ4]
q: [Is|Are] [Q4_0|Q4_K|Q4_K_M|Q5_K|BF16|Q6_K|4-bit models|4-bit quantization] supported
do: [run|load|use] a [4-bit|Q4_K_M|Q4_0|Q4_K|BF16|Q6_K|Q5_K] model

= Metallic reads GGUF files only.
q: [Does|Can] [metallic|it|I] [read|load|support|open|use] [safetensors|PyTorch files|ONNX|a safetensors file|.bin files|pickle files|GGML|GPTQ|AWQ|checkpoints|TensorFlow models|Hugging Face models directly|a pytorch checkpoint]
q: [What|Which] [file formats|model formats|model file formats|formats of model files|file types] [are supported|does metallic support|can it read|does it read|work|can I use|does metallic read]
q: Are [safetensors|ONNX files|PyTorch checkpoints|other file formats] supported

= Metallic does not convert or quantize models.
q: [Can|Does] [metallic|it|I] [convert|quantize|merge|export|compress|requantize] [a model|models|weights|my model|safetensors to GGUF|a model to Q8_0|to GGUF]
do: [convert|quantize|merge|compress|requantize] [a model|models|my model|weights|F16 to Q8_0|a model to GGUF|a model to Q8_0|safetensors to GGUF]
q: Is there a [converter|quantizer|conversion tool|quantization tool]
q: [How|Where] [do|can] I [quantize|convert] [a model|my model|my weights|it|a file][| to GGUF| to Q8_0]
q: model conversion

= Metallic runs models; it does not train them.
q: [Can|Does] [metallic|it|I] [train|fine-tune|finetune] [|models|a model|my model|a model with it|with metallic]
q: Is [training|fine-tuning] [possible|supported]
do: [train|fine-tune|finetune] a model

= Metallic downloads nothing; give it a GGUF file that you have.
q: [Can|Does] [metallic|it] [download|fetch|get] [a model|models|weights|models for me|models from Hugging Face|files]
do: [download|fetch] [a model|models|weights]
q: [Where|How] do I [download|get] [models|a model|weights]

= Metallic has no server yet.
q: [Can|Does] [metallic|it] [have|run as|start|offer] [a server|an HTTP server|a web server|an API server|a REST API|an HTTP API]
do: [start|run] [a server|an HTTP server|a web server|metallic as a server|an API server]
q: Is there [a server|a web interface|an HTTP API|a REST API|an OpenAI compatible API]

= Metallic runs on Linux and macOS.
is: the supported [operating systems|platforms|systems]
q: [Which|What] [operating systems|platforms|systems|OS] [are supported|does metallic support|does it run on|does metallic run on|can I use]
q: [Does|Can] [it|metallic] [run|work] on [Linux|a Mac|macOS|Debian|Ubuntu|my Mac|Fedora|Windows|Android]
q: Is [Windows|Linux|macOS|a Mac] supported

= Metallic is a program and C library that runs GGUF language models with low latency.
q: [What is|What's|Explain|Describe|Tell me about|What exactly is|Define|What is the purpose of|What is the point of|Why should I use|Why use|Tell me what is] [metallic|Metallic|this program|the metallic program|this software|this tool|the metallic project|this project]
q: What is [metallic|this program|this tool|Metallic] [for|good for|used for|about]
q: [metallic|Metallic], what is that
q: How does [metallic|this program] work
q: What [does|can] [metallic|this program|Metallic|this tool] do
q: Who needs metallic
q: What kind of [program|software|tool] is [metallic|this]
q: What is the goal of metallic

= GGUF is a file format for model weights and metadata.
is: [GGUF|a GGUF file|the GGUF format|a gguf|a .gguf file|gguf|GGUF files|the gguf file format]
q: What does GGUF stand for
q: What kind of file is a GGUF

= Q8_0 stores weights as 8-bit integers in blocks of 32 with one scale each.
is: [Q8_0|the Q8_0 format|Q8_0 quantization|q8_0|the Q8_0 type|8-bit quantization]
q: How does Q8_0 store [weights|numbers|the weights]

= F16 stores numbers in 16 bits.
is: [F16|the F16 format|f16|half precision|fp16|the F16 type|16-bit floats]

= F32 stores numbers in 32 bits.
is: [F32|the F32 format|f32|single precision|fp32|the F32 type|32-bit floats]

= Quantization stores weights with fewer bits, so that a model is smaller and faster.
is: [quantization|a quantized model|quantized weights|model quantization]
q: Why [are models quantized|quantize a model|do people quantize models]
q: Does quantization make [a model|it|models] [faster|smaller]

= Use Q8_0 for speed and F16 for accuracy.
q: [Which|What] [format|type|quantization|tensor type|quant] [should I use|is best|is better|should I choose|do you recommend|is recommended]
q: Should I [use|choose|take] [F16 or Q8_0|Q8_0 or F16|Q8_0 or F32]
q: Is [Q8_0|F16] [better|faster] [or|than] [F16|Q8_0]
q: [Which|What] [type|format] is [faster|more accurate|fastest]
q: [What is the difference between|Compare] [Q8_0 and F16|F16 and Q8_0]

= A token is a piece of text that the model reads or writes at once.
is: [a token|tokens|the word token|one token|a model token]
q: [How long|How big] is a token

= The tokenizer is a byte-level BPE as Qwen2 uses it.
is: [the tokenizer|a tokenizer|BPE|byte pair encoding|byte-level BPE|the vocabulary]
q: [Which|What] tokenizer does [metallic|it] [use|have]
q: How does the tokenizer work

= The KV cache keeps the keys and values of earlier tokens.
is: [the KV cache|a KV cache|the kv cache|the key value cache|KV caching|the cache of keys and values]
q: Why [is there|does a model need|do we need] a KV cache

= Prefill reads the prompt, many tokens at a time.
is: [prefill|the prefill|the prefill phase|prompt processing|the prefill speed]

= Decode writes the answer, one token at a time.
is: [decode|the decode phase|decoding|the decode speed|a decode step]

= Attention lets a token look at the tokens before it.
is: [attention|the attention|self-attention|causal attention]

= In grouped-query attention several query heads share one key and value head.
is: [grouped-query attention|GQA|grouped query attention]

= RoPE rotates queries and keys by their position.
is: [RoPE|rope|rotary embeddings|rotary position embedding|rotary position embeddings]

= RMSNorm divides a vector by its root mean square.
is: [RMSNorm|rmsnorm|the norm|root mean square norm]

= SwiGLU is the gated activation in the feed-forward layer.
is: [SwiGLU|swiglu|the feed-forward layer|the gated activation]

= An embedding is the vector that stands for a token.
is: [an embedding|embeddings|a token embedding|the embedding]

= Inference means running a trained model.
is: [inference|model inference|inference of a model]

= Metallic is written in C11.
q: [Which|What] [language|programming language] is [metallic|it|this program] written in
q: In [which|what] [language|programming language] is [metallic|it] written
q: Is [metallic|it] written in [C|C++|Rust|Python|Go]
is: the [programming language|implementation language] of metallic

= Metallic is free software under the MIT license.
is: the license[| of metallic]
q: [Which|What] license does [metallic|it] [have|use]
q: Is [metallic|it] [free|open source|free software]
q: Under which license is [metallic|it]
q: May I use [metallic|it] [commercially|in my company|at work]
q: How much does [metallic|it] cost

= Nothing leaves your machine; no network is needed.
q: Does [metallic|it] [need|use|require] [the internet|a network|internet access|an internet connection|the network|the cloud]
q: [Is|Are] my [data|prompts|text|questions] sent [anywhere|to a server|over the network|to the cloud|somewhere]
q: Does [metallic|it] send [my data|data|anything|my prompts] [anywhere|to a server|over the network|home|to the cloud]
q: Do I need [the internet|a network|an internet connection]
q: [Is|Can] an internet connection [needed|required]
q: Does [it|metallic] collect [data|telemetry|statistics]

= Yes. It works offline; everything runs on your machine.
q: [Does|Can] [it|metallic] [work|run] [offline|without internet|without a network|locally|on my own machine|on a plane]
q: Is my data [safe|private]
q: Is [it|metallic] [private|local|offline]

= Meson and Ninja build metallic; the Makefile is a thin front.
is: [the build system|the Makefile|Meson|Ninja]
q: [Which|What] build system does [metallic|it] use
q: Does it use [CMake|Meson|make|Ninja]

= You need git, a C compiler, make and python3; make installs the rest.
is: the [requirements|dependencies|prerequisites]
q: What do I need to [build|compile|install|run] [metallic|it]
q: [Which|What] [packages|dependencies|tools|libraries] [does metallic need|do I need|are needed|are required]
q: [Which|What] compiler do I need

= Include metallic.h and link with libmetallic.
do: [use|embed|call|link|integrate] [metallic|it|the library] [in|from|into] [my own program|my program|my application|C|C++|my code|my app|another program]
do: [use|call|link] [the library|the API|libmetallic|the C API|metallic as a library]
is: [the library|libmetallic|metallic.h|the API|the C API|the header|the public header]
q: Is there [a library|an API|a C API|a C library]
q: [Which|What] header do I include

= Call met_model_open to open a GGUF file.
is: [met_model_open|the function met_model_open|met_model]
q: [Which|What] function [opens|loads] a model
q: How do I open a model [from C|with the library|in the API|with the C API|from my program]

= Call met_generate to sample and stream text.
is: [met_generate|the function met_generate]
q: [Which|What] function [generates|samples|streams] text
q: How do I generate text [from C|with the library|in the API|with the C API|from my program]

= A session is one timeline of tokens with its KV cache.
is: [a session|met_session|a met_session|sessions]

= The same logits, bit for bit, for any number of threads and any instruction set.
q: Does the number of threads change the [answer|result|output|logits]
q: [Is|Are] the [result|answer|logits|output] the same [on every CPU|with any number of threads|on all machines|with AVX2 and AVX-512]
q: [Is|Are] [metallic|the results|the logits|the CPU backend] [deterministic|bit exact|reproducible across machines]
is: the numeric contract

= It uses AVX2, AVX-512 or NEON where the processor has them.
q: [Does|Can] [it|metallic] use [AVX|AVX2|AVX-512|SIMD|vector instructions|VNNI|AVX512|NEON]
is: [AVX2|AVX-512|NEON|SIMD|the ISA level|the instruction set]
q: [Which|What] instruction sets does [it|metallic] [use|support]

= The bundled model is a tiny model inside the program; it needs no download.
is: the [bundled|built-in|default|embedded|included|tiny] model
q: [Which|What] model [is used|runs|does it use] [by default|without --gguf-path|if I give none|when I give none]
q: What [happens|runs] [without|if I leave out] --gguf-path
q: Is there a [built-in|bundled|default] model
q: Do I need [to download a model|a model file|a model]
q: [Can|Does] [it|metallic] [work|run] without a model[| file]

= Yes. metallic prints the answer while it is generated.
q: [Does|Can] [it|metallic] stream[| the answer| text| tokens| output]
is: streaming
q: [Do I|Must I] wait for the whole answer
do: [see|get|print] the answer [while it is written|as it is generated|token by token|word by word]

= The answer goes to stdout, everything else to stderr.
q: Where does [the answer|the output|the text|it print the answer] go
q: What is [printed|written] to [stdout|stderr|standard output|standard error]
is: stderr
is: stdout
do: [save|redirect|write|store] the answer [to|into|in] a file

= Lower the temperature, or use a larger model.
q: [Why are the|The] answers [are |][bad|wrong|nonsense|stupid|not good]
do: [get|have] better answers
q: How can I improve the [answers|quality]
q: How do I get [better|good] answers

= Read SECURITY.md: it says how to report a problem.
do: report a [security problem|vulnerability|security issue|security bug]
q: Where do I report [security problems|a vulnerability|a security issue]
q: Is metallic [secure|safe]
is: SECURITY.md

= Read CONTRIBUTING.md to contribute.
do: [contribute|help the project|send a patch|contribute code|add a feature|contribute to metallic]
is: CONTRIBUTING.md

= Give a new architecture its own file in src/model.
do: add [a new architecture|support for another architecture|another architecture|a model architecture]

= Use fewer threads or a smaller or quantized model to save memory.
do: [save|reduce|use less|lower] [memory|RAM|memory use|the memory]
q: It runs out of memory
q: [How much|What] [memory|RAM] does [it|metallic] [need|use]

= Use a smaller or Q8_0 model, more threads, or a GPU backend to go faster.
do: [make|get] [it|metallic|generation|the model] [faster|to run faster|quicker]
do: [speed up|accelerate] [generation|it|metallic|inference|the model]
q: Why is [it|metallic|generation] [so |]slow
q: [It|Metallic] is [too |][slow|very slow]
"""

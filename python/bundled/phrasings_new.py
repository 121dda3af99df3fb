"""The phrasings of topics_more.py, and those that the fourth round added to the older topics.

Owns: sentences only, as phrasings.py.
"""

MORE = r"""
= --speculate N
[is there|does it have|do you have|can I use|I want] [speculative decoding|speculation|lookahead decoding|prompt lookup|self-speculation|a draft mode]
[which|what] [flag|option|switch] [turns on|enables|sets|is for] [speculation|speculative decoding|guessing tokens|guesses|guessing ahead]
[my|the] [answer|output|text] [repeats|copies|quotes] [much of|parts of|] the [prompt|input|document], [can that be faster|how do I use that|how is it made faster]
[how many|how far] [tokens|ahead] [can it|does it|may it] [guess|speculate][| ahead| at once]
[does|will] [guessing|speculating|speculation] [change|alter|harm|spoil] [the answer|the text|what it writes|quality]
[what is|which is] a good [value|number|N] for [speculate|--speculate|speculation]
[guess|compute|try|verify|check] [more than one|several|eight|a few] tokens [in one step|at once|in one pass|per step]
[faster|quick|speed up] [editing|copying|edits|code edits|rewriting|summaries that quote]

= --matmul NAME
[who|what] [multiplies|does the multiplication|does the matrix products|computes the matrix products|does the matmuls][| at prefill| in the prefill]
[use|link|try|call|pick] [a vendor library|the system's BLAS|OpenBLAS for the prompt|an external BLAS|my own BLAS|Intel MKL]
[which|what] [values|choices|names] does [--matmul|FORCE_MATMUL_BACKEND|matmul] [take|have|accept|know]
[native|own kernels] or [vendor|BLAS|OpenBLAS]
[force|override|pin] the [matmul|matrix multiplication|matmul backend|GEMM]
[matmul|GEMM|BLAS|matrix product|matrix multiplication] [backend|library|choice|setting|option]
what is [FORCE_MATMUL_BACKEND|force_matmul_backend|the variable FORCE_MATMUL_BACKEND] [for|about|good for|]
[is|can] [OpenBLAS|BLAS|cblas|Accelerate] [used|be used|involved]

= Run metallic bench to
[measure|test|find|check] the [speed|performance|throughput|latency] of [my|this|a] [machine|computer|model|laptop|GGUF|server|CPU]
which [command|subcommand] [measures|tests|shows|reports] [speed|the speed|performance|tokens per second|throughput|prefill and decode]
how do I [get|obtain|see|collect] [performance numbers|speed numbers|benchmark numbers|figures for the speed|the decode rate]
[compare|set] the speed [with|against|beside] what the [machine|hardware|memory] can do
[how close|how near] [is it|does it come|does metallic get] to the [limit|ceiling|memory bandwidth|hardware limit]
[test|try|judge|measure] [performance|its performance|how it performs|the decode speed|prefill speed]
[I'd like|I want|I would love] to know how [fast|quick] [my CPU|my machine|it|this box|the model] [decodes|is|runs|generates]
[benchmarking|performance testing|measuring speed|timing|speed measuring]

= metallic bench --roofline
[which|what] [operation|op|step|part|kernel] [takes|needs|costs|eats] [most|the most|most of the] [time|bytes|bandwidth]
[where|how] [is|does] the time [spent|go] in [a benchmark|metallic bench|the bench|decode]
[time|bytes|waiting] [of|for|per] [every|each] [operation|op|kernel]
[break|split] [the benchmark|the time|bench time] down [by operation|by op|into operations]
[a|the|show a|draw a] roofline [model|report|table|analysis|view|]
what does [roofline|the roofline option] [add|show|print|mean|do][| in bench| to the benchmark]

= metallic bench measures
[what|which] does [pp|tg|pp512|tg128|pp32|tg16] [mean|stand for|measure|say]
[meaning|explanation] of [pp|tg|pp512|tg128|the pp row|the tg row|pp and tg]
[what|which] [tests|rows|lines] does [the bench|metallic bench|bench] [run|have|print|show]
[the row|the line|the test] [pp512|tg128|pp|tg]
[is|are] [prefill|decode|prefill and decode] measured [apart|separately]

= Run metallic env to
[where|how] [can I|do I] [see|find|list|look up] [the variables|env variables|environment settings|which variables it reads|all the variables|every env var]
[which|what] [env vars|env variables|variables|variable names|environment settings] [does it|does metallic|can it|will it] [read|know|honour|honor|look at|use|understand]
[list|show|print|name|dump] [all|the|every|its] [env vars|env variables|environment settings|variables it reads]
[how|can] [it be|do I|can I] [configured|configure it|configure metallic] [through|by|with] [environment variables|the environment|env vars]
which [command|subcommand] [prints|lists|shows] the [environment|variables|env vars|environment variables]
[environment|env] [variables|variable|settings|vars][| overview| list| please]
[is|are] [there|] [some|any] [environment variables|env vars|variables to set]
[what are the values|the current values|show the values] of the [variables|environment variables|env vars]

= Set METALLIC_BACKEND
[set|give|choose|pick|define] the [backend|threads|number of threads|context length|default backend|default threads] [with|by|through|as|in] [an environment variable|an env var|a variable|the shell profile|my .bashrc]
[is there|do you have|which is] [a|an] [variable|env var|environment variable] for the [backend|threads|thread count|context length|number of threads|context size]
[can|may|how do] I [set|fix|choose] [threads|the threads|the backend|the context] [once for all|for all runs|without a flag|permanently]
what wins, [the flag|a flag|--threads|--backend] or the [variable|environment|env var]
[does|do] [a flag|flags|the flags|--threads] [win over|beat|override] [the variable|variables|the environment|env vars]
[METALLIC_BACKEND|METALLIC_THREADS|METALLIC_MAX_CONTEXT_LEN] [please|explain|meaning|variable|]
what does METALLIC_[BACKEND|THREADS|MAX_CONTEXT_LEN] [do|set|accept]

= -v tells more
[tell|show|say|explain] [me |]more about what [it does|happens|it is doing|is going on]
[less|more|fewer] [logging|log lines|messages|chatter|diagnostics|noise][| on stderr| on standard error| please]
[how|where] [do I|can I] [see|find|get] [debug output|diagnostics|log output|what was chosen|loading times|the log lines]
[verbose|debug|trace|info|warn|error] [logging|log level|messages|level of the log]
what is the [difference between -v and -vv|verbose flag|quiet flag|default log level|log level]
what does [METALLIC_LOG_LEVEL|-v|-vv|-vvv|-q|--quiet|--verbose] [do|accept|set|mean|change]
[only|just] [errors|tell errors][| on stderr| on standard error| please]
[how|can] [can |do ]I [get rid of|stop|hide|mute] [the progress|warnings|the messages|these messages|the lines on stderr]
[be|run it|make it] [more verbose|less verbose|verbose|chatty]
[flag|option|variable] for the [log level|verbosity|amount of logging|log]

= METALLIC_TRACE_PATH
[how do I|can I|I want to] [look at|see|view|inspect|open] [a timeline|what each thread does|a trace|threads and layers over time|the run in perfetto]
[which|what] variable [names|sets|is for|writes] the [trace|trace file|timeline|perfetto file]
[can I|how do I] [use|open it in|get a file for] [perfetto|ui.perfetto.dev|the perfetto viewer|chrome tracing]
[timeline|trace|traces|tracing] [of threads|of layers|of operations|file|please|of the run]
what does METALLIC_TRACE_PATH [do|name|write|hold]
[where|how] [do|are] [traces|timelines] [go|written|made|recorded|made of a run]

= METALLIC_METRICS_JSONL_PATH
[which|what] variable [names|sets|is for|writes] the [metrics file|file of metrics|file with measurements|metrics]
[how do I|can I|I want to] [log|collect|record|keep|gather] [metrics|measurements|numbers of each run|all figures] [in|to|into] a file
[metrics|measurements|telemetry for me] [as|in] [jsonl|JSON Lines|a file]
what does METALLIC_METRICS_JSONL_PATH [do|name|write|hold]
[where|how] do [metrics|the metrics|measurements] go
[write|put] everything that is measured [to|into|in] [a file|metrics.jsonl|JSON Lines]

= METALLIC_METRICS_CONSOLE
[how do I|can I|I want to] [see|print|get] [tokens a second|time to first token|memory by kind|the percentiles|a summary] [on stderr|after each answer|after a run|on the console]
what does METALLIC_METRICS_CONSOLE [do|print|accept|tell]
[which|what] variable [prints|shows|tells] [metrics on the console|metrics|a summary|what a generation came to]
[console|stderr] [metrics|summary|figures|statistics]
[metrics|figures|the summary] [with|and] the ceiling
what is the [value ceiling|ceiling value|ceiling of METALLIC_METRICS_CONSOLE]

= METALLIC_ENABLE_PROFILING
[how|which variable] [fine|detailed|sets how fine] [are|is] the [traces|metrics|trace|files|profile]
what does METALLIC_ENABLE_PROFILING [do|accept|set|take]
[which|what] variable [enables|turns on|sets|controls] [profiling|the profiler|the detail of a trace|how fine a trace is]
[profile|profiling] [by layer|by op|per token|per layer|per op|level|granularity|detail]
[make|get] [the trace|traces|metrics] [finer|coarser|more detailed|less detailed]
[record|measure] [each layer|every op|only tokens|layers] [in the trace|in the metrics|]

= Run metallic on a terminal
[is there|do you have|can I have|I want] [a chat window|an interactive session|a user interface|a terminal UI|a GUI|an interactive prompt|a REPL|a console chat]
[how do I|can I] [chat|talk|converse] with it [in a loop|over several turns|turn by turn|live]
[open|launch|enter|bring up] the [chat|TUI|interface|terminal interface|text interface]
what happens [without a prompt|if I just type metallic|if I run metallic alone|when I give no prompt on a terminal]
[what is|describe|show me|explain] the [terminal interface|TUI|chat screen|text interface|interactive chat]
[interactive|chat] [mode|session|window|interface|use]
does it have a [TUI|chat|GUI|terminal interface|REPL|user interface]

= The commands are
[what|which] [can I type|commands are there|commands exist|commands do I have|words begin] [with a slash|in the chat|in the interface|in the TUI|while chatting]
[list|show|name|tell me] the [slash commands|chat commands|commands of the chat|commands of the TUI|interface commands]
[slash|chat|interface|TUI] commands[| please| list| overview]
what [starts|begins] with a slash
[typing|type] a slash, what [comes|can follow|is there]

= /help shows
[what|which] does /help [do|show|print|tell]
[shortcuts|keys|hotkeys|key bindings|keyboard] of the [chat|interface|TUI|terminal interface]
[how|where] do I [see|find|learn] the [keys|shortcuts|key bindings][| of the chat| of the interface| in the TUI]
[help|show the keys] [in|inside] the [chat|interface|TUI]
[list|show] [the|all] [shortcuts|key bindings|keys of the chat|keys I can press]

= /clear begins
[how do I|can I|I want to] [start over|start afresh|forget everything|wipe the chat|clear the history|begin from scratch][| in the chat| in the interface|]
what does /clear [do|keep|delete|remove]
[new|fresh|another|empty] [conversation|chat][| please|]
[does|will] /clear [keep|remove|delete] the system message
[forget|drop|wipe|erase] the [conversation|chat|talk][| so far|]

= /system TEXT
what does /system [do|set|show]
[how do I|can I] [change|set|see|remove|replace] the [system message|system prompt|instructions] [during a chat|in the chat|in the interface|inside the TUI|in the middle of a conversation]
[system message|system prompt] [in|inside|within] the [chat|TUI|interface]

= /save FILE
what does /save [do|write|store]
[how do I|can I|where do I] [keep|save|store|export|archive|write out] [a chat|this chat|my conversation|the conversation|what we said|the dialogue][| to a file| as JSON|]
[save|write|export] the [dialogue|talk|chat history|session][| to a file| as JSON|]
[chat|conversation] [export|saving|backup]

= /load FILE
what does /load [do|read]
[how do I|can I] [continue|reopen|resume|get back|load|go on with] [a saved|yesterday's|my old|an earlier|the stored] [chat|conversation|dialogue]
[pick up|take up] where [I|we] left off
[resume|continue] from [a saved file|chat.json|the saved conversation|a file I saved]

= /temp X
what does /temp [do|set|show|0 do]
[how do I|can I] [change|set|see|adjust] the temperature [during a chat|in the chat|in the interface|inside the TUI|between two turns|without leaving the chat]
[temperature|randomness] [in|inside|within] the [chat|TUI|interface]

= /stats shows
what does /stats [do|show|print|tell]
[how do I|can I|where do I] [see|get|find] [the speed|timings|times|tokens a second|memory use|figures] [in the chat|in the interface|inside the TUI|of the last answer|while chatting]
[figures|numbers|statistics|rates] [of|about|for] the [last answer|previous answer|answer in the chat]

= /quit leaves
what does [/quit|Ctrl-D|ctrl-d|/quit in the chat] do
[how do I|can I|how to] [get out of|leave|exit|quit|close|end] the [chat|TUI|interface|terminal interface|chat window|interactive mode]
[end|finish] the chat

= Esc stops
[what|which key] [stops|interrupts|cancels] [an answer|the answer|generation] in the [chat|interface|TUI]
what does [pressing Esc|Esc|hitting escape|the escape key] do
[press|hit|pressed] [Esc|escape|the Esc key]
[stop|cut short] the answer [without leaving|and stay in the chat|but not the chat]
[is|does] the [half answer|stopped answer|part] [kept|stay] after Esc

= F2 shows
what does [F2|F3|Ctrl-T|Ctrl-G|pressing F2|pressing F3] do
[which key|how do I] [show|hide|shows|hides|toggle|toggles|close] the [panel|log|side panel|panels|figures beside the chat]
[what|which things] [is|are] in the [panel|side panel]
[the panel|side panel|log panel] [key|on and off|gone|disappeared]

= Up and Down
[how do I|can I|which key] [get|recall|recalls|bring back|see|reuse] [my last input|what I typed before|an earlier prompt|earlier questions|the previous question|previous prompts][| in the chat|]
[input|prompt|typing|chat] history[| keys| in the chat|]
[does|has] the [chat|interface|TUI] [have|keep|remember] [a history|what I typed|earlier inputs]
what do [the arrows|Up and Down|the arrow keys] do[| in the chat|]

= Enter sends
[how do I|can I|which key] [write|type|make|get|begins|makes] [a new line|two lines|several lines|a second line|a line break|a multi-line message][| in the chat| in the interface|]
what does [Alt-Enter|Ctrl-J|Enter|the Enter key] do[| in the chat|]
[which key|how do I] [sends|send] [the message|my message|a message|what I typed][| in the chat|]
[newline|line break|multi-line text] in the [chat|TUI|interface]

= Tab goes
[how do I|can I|which key] [fold|unfold|open|opens|expand|collapse|close] [the layers|a layer|the tree|the timing tree|parts of the tree]
[where does|see where|show where] the time of a token [go|goes]
what does [Tab|the Tab key|pressing Tab] do[| in the chat|]
[folding|fold|unfolding] [panels|the panel|layers|the tree]
[timing tree|tree of times|times of layers] [in the panel|keys|]

= Set NO_COLOR
[no|without|turn off|disable|remove] [colors|colours|color|colour|coloring][| please| in the interface| in the chat| in the terminal]
what does NO_COLOR [do|mean]
[black and white|monochrome|plain] [interface|chat|terminal|output without colors]
[the|these] [colors|colours] [disturb me|are ugly|hurt my eyes|should go away]

= Metallic runs on Apple GPUs
what does -Dmetal[=sim|=native|=off|] [do|mean|build]
[how|can] [is|do I|I] [Metal|the Metal backend] [built|tested|build|test|simulated][| on Linux|]
[Metal|the Metal code] [on Linux|without a Mac|in a simulator|simulator|simulation]
[is|was] [Metal|the Metal backend] [simulated|only simulated|tested on Linux|real]
[which|what] [build option|meson option|meson setting] [is for|builds|enables] [Metal|the Metal backend|Apple GPUs]
[how|what] does [metallic|it] do on [Apple GPUs|Apple's GPUs]

= --presence-penalty X
[is there|do you have|where is|does it have] [a |the |][presence_penalty|presence-penalty|presence penalty] [as in|like in|like|as with] [the OpenAI API|OpenAI|ChatGPT|other programs]
[the |][presence_penalty|presence penalty] [as I know it|of the API|from OpenAI|parameter from elsewhere]

= --frequency-penalty X
[is there|do you have|where is|does it have] [a |the |][frequency_penalty|frequency-penalty|frequency penalty] [as in|like in|like|as with] [the OpenAI API|OpenAI|ChatGPT|other programs]

= --seed N
[every|each] [run|call|time] [gives|says|writes|prints] [something else|another thing|other words|a new answer][|, how do I fix that|, how do I fix the randomness|, can I stop that]
[fix|freeze|pin|nail down] the [randomness|random numbers|dice|random choices|random generator]
[the|my] [answer|text] [changes|differs] [from run to run|each time I run it|between runs]

= Use --output-format none
[no output|nothing on stdout|no text][|,| please,] I [only|just] [measure|test|time it|want the timing]
[don't|do not] [print|show|write] [anything|the answer|any text]

= --ignore-end
[generate|go on|keep writing|run] [on and on|forever|further|more] [even when|after|although|though] the answer [is over|is done|ended|is complete|is finished]
[don't|do not] stop at the end [token|of the answer]
[benchmark|measure] with a fixed number of tokens[| even if the answer ends|]
[let|make] [it|the model] [go|run|write] past [the end|its end|the end token|the end of its answer]

= Run metallic detokenize
what [do|does] [12 40 7|the ids 5 6 7|token 9707|512 17 9|the tokens 11 and 12|id 42] [mean|say|spell|stand for][| as text|]
[which|what] [word|text|string|letters] [is|has|belongs to] [token|id|token id|token number] [42|9707|512|7]
[I have|here are|given] [numbers|ids|token numbers|only ids], [what text is that|I need the text|give me the words]

= Run make run
how do I [build|compile] [it|metallic] and [see|get|print|have] [a|the] first [answer|prompt|reply|result]
[build|compile] and [try|run|start] [it|metallic]
[from|after] [clone|git clone|a fresh checkout|the sources] to [the first answer|a running program|an answer]

= Nothing leaves
[is|are|stays] [my text|what I type|my prompts|what I write|my documents] [private|secret|confidential|safe from others|visible to others]
[who|can anyone|can somebody] [sees|see|read|reads] [my prompts|what I write|my text|my questions]
[does|will] [someone|a company|the author|anybody] [see|read|get] [my text|my prompts|my data]

= Yes. It works offline
[do|must|should] I [need|have] [a connection|wifi|a line] [for that|to use it|when I run it|]
[can I|may I] use it [on a train|on a ship|in a bunker|without wifi|in airplane mode|with no connection]

= Call met_model_open
[API|library|C] [call|function] [to|that] [open|opens|load|loads] a [gguf|GGUF|model|model file|GGUF file]
[open|load] a [gguf|GGUF|model] [with the API|from the API|in code|in C code|with libmetallic|through the library]

= Call met_generate
how [can|do|does] [my|our] [C code|program|application|C program] [get|receive|make|produce] [an answer|text|tokens|a reply]
[API|library|C] [call|function] [to|that] [generate|generates|sample|samples|stream|streams|produce|produces] [text|tokens|an answer]
[get|receive|stream] [an answer|tokens|text] [with the API|from the API|in code|in C code|with libmetallic|through the library]

= The same logits
[are|will] [results|the answers|outputs|answers] [equal|the same|identical] [with|for|on] [1 and 8 threads|2 or 4 threads|another CPU|AVX2 and AVX-512|different machines]
[identical|equal|same] [logits|bits|numbers] [on|for] [another CPU|every machine|any thread count|all processors]

= --context-length N
I [need|want|have] [room|space] for [8000|16000|many|more|a lot of] tokens
[room|space|place] for [a long text|a whole book|longer chats|more tokens]

= --kv-type
what [precision|type|format|number format] [does|do|has] the [cache|KV cache|kv cache|keys and values] [have|use|take]
[change|choose|set|switch] the [data type|number type|precision] of the [kv cache|KV cache|cache of keys and values]
[more exact|a more exact|an exact|full precision] [cache|keys and values|kv cache]

= Use fewer threads or
the [process|program|system] [gets killed|is killed|dies|crashes] [for memory|by the OOM killer|for lack of memory|when memory is full]
[too little|not enough|little|only 4 GB of] [RAM|memory][|, any tip|, what can I do]
"""

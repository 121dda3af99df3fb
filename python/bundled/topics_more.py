"""Topics of metallic, the second part: speed, environment, traces, the terminal interface, Metal.

Owns: as topics.py, whose blocks these are.
"""

TOPICS = """
= --speculate N guesses up to N tokens at once; the answer stays the same.
flag: speculate
do: [turn on|enable|use|try|do] [speculation|speculative decoding|speculative sampling|lookahead|prompt lookup]
do: [guess|predict] [several|some|more|many] tokens [at once|ahead|at a time]
do: [copy|edit|repeat] [a text|code|the prompt|a document] faster
is: [speculation|speculative decoding|speculative sampling|prompt lookup decoding|--speculate 8|a draft model]
q: Does [speculation|speculative decoding|--speculate] change the [answer|text|output]
q: [Does|Can] [it|metallic] [do|support|have|use] [speculative decoding|speculation|a draft model]

= --matmul NAME chooses who multiplies at prefill: native or vendor, a BLAS library.
flag: matmul
do: [use|choose|enable|try|take] [OpenBLAS|BLAS|a BLAS library|vendor matmul|the vendor's library|MPS|MLX|Accelerate|the native kernels]
do: [choose|set|change|select] [the matmul backend|who multiplies|the matrix multiplication|the matmul]
is: [FORCE_MATMUL_BACKEND|the matmul backend|the vendor library|vendor matmul|native matmul|OpenBLAS|--matmul vendor|--matmul native]
q: [Does|Can] [it|metallic] use [BLAS|OpenBLAS|MKL|a BLAS library|MPS]

= metallic bench --roofline adds time, bytes and waiting of every operation.
do: [see|measure|know|show|get] [the time of every operation|what each operation costs|the roofline|a roofline|which operation is slow|where a benchmark waits]
is: [--roofline|the --roofline flag|bench --roofline|the roofline|metallic bench --roofline|the roofline option]

= metallic bench measures prefill as pp and decode as tg.
is: [pp|tg|pp512|tg128|pp and tg|pp in metallic bench|tg in metallic bench|the pp test|the tg test]
q: What do [pp and tg|tg and pp|pp512 and tg128] [mean|stand for]

= Run metallic env to see the environment variables and their values.
command: env
do: [set|use|see|list|know|print|show] [environment variables|an environment variable|the environment variables|variables|all variables|the env vars|every environment variable]
is: [the environment variables|the environment|environment variables|env vars]
q: [Which|What] environment variables [are there|does it read|does metallic read|exist|are used|can I set|does it know]
q: Does [it|metallic] [read|use] environment variables

= -v tells more on standard error, -q only errors; so does METALLIC_LOG_LEVEL.
flag: verbose
flag: quiet
do: [get|see|show|print|read] [more messages|log messages|debug messages|more details|warnings only|more of what it does]
do: [set|change|raise|lower|choose] the [log level|logging level|verbosity|level of logging]
do: [hide|silence|suppress|turn off] [warnings|log lines|log messages|the progress line|messages on standard error|the progress]
is: [METALLIC_LOG_LEVEL|the log level|-v|-vv|-vvv|-q|logging|the -v flag|the -q flag|verbosity]

= METALLIC_TRACE_PATH names a file for a timeline that opens in ui.perfetto.dev.
do: [record|write|make|get|save|see] a [trace|timeline|trace file|perfetto trace|timeline of a run|trace of a run]
do: trace [a run|metallic|the model|threads|layers|operations]
is: [METALLIC_TRACE_PATH|a trace|the trace|the trace file|tracing|a timeline|perfetto]

= METALLIC_METRICS_JSONL_PATH names a file for all that is measured, as JSON Lines.
do: [write|save|record|store|log|export] [metrics|the metrics|measurements|all measurements|all that is measured][| to a file| as JSON Lines]
is: [METALLIC_METRICS_JSONL_PATH|the metrics file|a metrics file|the file of metrics]

= METALLIC_METRICS_CONSOLE tells what a generation came to: off, on or ceiling.
do: [see|print|show|get] [metrics|the metrics|a summary of the metrics|figures|statistics] [on the console|on standard error|after each generation|after a generation|in the terminal]
is: [METALLIC_METRICS_CONSOLE|the metrics console|the console metrics|metrics on the console]

= METALLIC_ENABLE_PROFILING sets how fine traces and metrics are: off, token, layer or op.
do: [profile|see the profile of] [metallic|a run|the layers|each layer|every op|operations]
do: [turn on|enable|turn off|switch on] [profiling|the profiler]
is: [METALLIC_ENABLE_PROFILING|profiling|the profiler|the profiling level]

= Run metallic on a terminal without a prompt: a chat opens.
do: [start|open|use|begin|get|run] [the chat|a chat|the terminal interface|the interface|the TUI|an interactive chat|interactive mode|a conversation on the terminal]
do: chat with [it|the model|metallic] [interactively|in the terminal|on the terminal]
is: [the TUI|the terminal interface|the tui|a TUI|the interface|interactive mode|the chat interface]
q: Is there [an interactive mode|a chat|a TUI|a terminal interface|a chat mode|a text interface]

= The commands are /help, /clear, /system, /save, /load, /temp, /stats and /quit.
is: [the slash commands|slash commands|the chat commands|the commands of the interface|the commands in the chat|a slash command]
q: [Which|What] [slash commands|chat commands|commands in the chat|commands with a slash] [are there|exist|can I type|does it have]

= /help shows keys and commands.
is: [/help|the /help command|the command /help]
q: [Which|What] [keys|key bindings|keyboard shortcuts|shortcuts] [are there|does the chat have|does the interface have|can I press]

= /clear begins a new conversation; the system message stays.
is: [/clear|the /clear command|the command /clear]
do: [clear|reset|empty|begin anew|restart] the [chat|conversation]
do: [begin|start] a new conversation

= /system TEXT sets the system message in the chat; - removes it.
is: [/system|the /system command|the command /system]
do: [set|change|remove|show|delete] the system message [in the chat|while chatting|in the interface|in the TUI]

= /save FILE writes the conversation as JSON.
is: [/save|the /save command|the command /save]
do: [save|keep|store|write down|export] [the|my|this|a] [chat|conversation]

= /load FILE goes on with a saved conversation.
is: [/load|the /load command|the command /load]
do: [load|reopen|resume|restore|go on with|bring back] [a saved|my saved|the saved|an old] [chat|conversation]

= /temp X sets the temperature in the chat.
is: [/temp|the /temp command|the command /temp]
do: [set|change|lower|raise] the temperature [in the chat|while chatting|in the interface|in the TUI|during a chat]

= /stats shows times, rates and memory of the last answer.
is: [/stats|the /stats command|the command /stats]
do: [see|show|get] [figures|statistics|the statistics|the times|the speed] [of the last answer|in the chat|in the interface]

= /quit leaves the chat; so does Ctrl-D on an empty line.
is: [/quit|the /quit command|the command /quit|Ctrl-D]
do: [leave|quit|exit|close] the [chat|interface|TUI|terminal interface]

= Esc stops the answer in the chat; what there is of it stays.
is: [Esc|the Esc key|the escape key|Escape]
q: What does [Esc|the Esc key|Escape] do
do: [stop|interrupt|cancel] [an answer|the answer] in the [chat|interface|TUI]

= F2 shows or hides the panel, F3 the log.
is: [F2|F3|Ctrl-T|Ctrl-G|the panel|the side panel|the F2 key|the F3 key|the panel beside the chat|the log of the chat]
do: [show|hide|open|close] the [panel|side panel|log panel|panels|log of the chat]

= Up and Down go through what was typed before.
do: [get back|repeat|recall|find|see] [what I typed|my last question|an earlier question|the last input|earlier inputs]
is: [the input history|the history of the chat|the up arrow|the Up key]

= Enter sends, Alt-Enter or Ctrl-J begins a new line.
do: [type|write|enter|begin|insert] [several lines|a new line|more than one line|a line break] in the chat
is: [Alt-Enter|Ctrl-J|the Enter key|multi-line input]

= Tab goes into the timing tree, where arrows open and close layers.
do: [fold|unfold|open|close|expand] [layers|a layer|the timing tree|the layers] [in the panel|in the tree|]
is: [the timing tree|the Tab key|the tree of timings|the tree in the panel]

= Set NO_COLOR, and the interface uses no colours.
do: [turn off|disable|remove|switch off] [colors|colours|the colors|the colours]
is: [NO_COLOR|the NO_COLOR variable]

= Metallic runs on Apple GPUs through Metal; on Linux Metal is simulated, for tests.
do: build [with Metal|the Metal backend|with -Dmetal|for Apple GPUs]
is: [-Dmetal|the -Dmetal option|-Dmetal=sim|the Metal simulator|the simulator|-Dmetal=native]
q: [Can|Does] [Metal|the Metal backend] [run|work] on Linux
"""

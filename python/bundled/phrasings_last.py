"""The last part of phrasings.py, written after the third round.

Owns: sentences only, as phrasings.py.
"""

MORE = r"""
= Use --gguf-path
how do I [run|use|start|load] the [model|weights|gguf|file] I [just|] [fetched|got|received|found|copied|downloaded|made][| from a friend]
I [got|received|copied|found] a [7B|1.5B|new|Qwen] [gguf|model|file][|, how would I start it|, how do I run it|, what now]
[where|which switch tells it where] the [model|gguf|weights file] [is|sits|lives|lies] [on disk|on my drive|]
[a model|the weights file|my gguf] on [a USB stick|an external disk|the network drive|another partition]

= --temperature T
[fully|very|totally|completely] [predictable|deterministic|boring|random] [completions|answers|text|continuations|output]
its [answers|outputs|texts|replies] vary too much[|, what do I turn down|, what helps]
[turn|dial] [it|the randomness|the creativity] [down|up]

= --top-k K
[draw|take|choose|pick] the next token [from|among|out of] the [best|top|most likely|likeliest] [thirty|forty|k|ten|20|few][| only]
only [thirty|ten|20|a few] candidates for the next token

= --top-p P
[set|put|change] p to [0.8|0.9|0.5|0.95]
[choose|take] tokens that together [hold|have|make] [90%|most|95 percent|a share] of the probability
a nucleus of [0.95|0.9|0.8]

= --seed N
[two|three|both|several|my] runs [gave|give|produce|print] [two|different|other] [texts|answers|results][|, how can I prevent that|, why]
[reproduce|repeat|get back] [yesterday's|an earlier|the previous|last week's] [output|answer|run|text]

= Use --output-format json for
how do I [learn|know|see|find out] [how many tokens per second|how many tokens|how long] [that run made|the run took|the answer has|that run needed|it was]
[pipe|feed|send] the [answer|output|result] into [jq|a JSON parser|my script]

= --prompt-file F
my [question|prompt|text|request] is in [notes.txt|a note|text.md|question.txt|a file][|, how do I hand it over|, how do I give it|, what now]
[hand|give|pass] [it|the model|metallic] [notes.txt|a text file|my file|a file over]
can another [program's output|program|command] [be|write|give] the prompt

= Run metallic tokenize TEXT
[is there|do you have|I need] a token [counter|count]
into which [pieces|tokens|parts] is [my sentence|a text|a word] [cut|split]

= Run metallic logits
[save|keep|export|see] what the model [computes|says|outputs|calculates] before sampling
[the raw|unsampled] [output|numbers|results] of the model

= Run make install
how can [everybody|everyone|all users|other users] [on this machine|here|on my system|] use metallic
[where's|what is] the install [step|command|target]

= Metallic reads tensors
[does|will|do] [F32|F16|Q8_0|f16|q8_0|half precision] [work|load|run]
[F32|F16|Q8_0] [works|ok|possible|allowed]

= Nothing leaves
does [the program|it|metallic] [call|phone|report|send something] home
will my [questions|prompts|texts] be [stored|kept|saved] on [some|a|your] server

= Yes. metallic prints
do the [words|tokens|letters|sentences] [appear|come|show up|get printed] one [after another|by one|at a time]
does the text [grow|come|appear] [while I watch|bit by bit|piece by piece|as it is made]

= Run metallic synth
I have no model but [want|need|would like] to [measure speed|test speed|benchmark|test it]
how can I fake a [3B|7B|0.5B|large] model

= GGUF is a file
what's [stored|kept|written|contained] in a [gguf|GGUF|gguf file]
what do people mean by [GGUF|gguf]

= Run metallic --version
[which switch|what] [can tell|tells|shows|knows] [me |]which [version|release] [of metallic |][it is|this is|I have|I run]
"""

"""Phrasings that training never sees, written by hand and apart from the grammar of about.py.

Owns: two sets of questions about metallic. The DEV sets were read between training rounds, and some of
their words went into the grammar; DEV_4 and DEV_5 were the tests of earlier models.
TEST was written after the grammar of this day and before any model that was trained with it was tried, from
the answers and the manual page; questions that the grammar can produce and those of the DEV sets were then
taken out. Once its wrong answers have been read, a later round of training needs a new TEST.
Invariant: conversation.question never draws one of these texts (letter case and punctuation aside).

Each line: the beginning of an answer in about.py (enough to be unique) | questions; questions
"""
import about

DEV = """
Use --gguf-path FILE | I've got a qwen file on disk, how can I make metallic take it?; which argument names the weights file?
Use --prompt TEXT | how do I hand my question over to the model on the command line?; where do I type what I want to ask?
Use --system TEXT | can the model be given standing instructions?; which switch holds the system prompt?
Use --max-tokens N | the reply should have 20 tokens at most; how can I keep replies brief?
--temperature T | the replies are boring, how do I spice them up?; what number makes it always choose the top token?
--top-k K | sample only among the fifty best candidates; what's top_k about?
--top-p P | how do I turn on nucleus sampling here?; which flag is for cumulative probability?
--min-p P | is there a probability floor for tokens?; how would I exclude very improbable tokens?
--repeat-penalty X | the model says the same sentence over and over; how do I discourage repeating?
--presence-penalty X | which penalty is a fixed amount?; what is presence-penalty good for?
--frequency-penalty X | which penalty grows with the count of a token?; what's the frequency penalty?
--repeat-last-n N | how far does the repetition window reach?; what does repeat-last-n control?
--seed N | I'd like identical output on each run; how are results made repeatable?
--context-length N | how large can the window be and how do I set it?; enlarge the context to 8192
--threads N | let it use eight cores; how is the thread count configured?
--backend NAME | how can I make it use my graphics processor?; what choices are there for the device?
--output-format chooses | which formats of output may I pick?; what are the values of --output-format?
Use --output-format json for | the result should be machine readable; how do I obtain a json document?
Use --output-format jsonl | give me one event per line; what is jsonl good for?
Use --output-format none | run it without printing the answer; how can I silence the output?
--raw gives | I don't want the chat template applied; what's the raw switch?
--logprobs K | I want to look at probabilities of alternatives; how do I get logprobs?
--stop S | generation has to end at the word END; how do I give a stop sequence?
--prompt-file F | my prompt lies in prompt.txt; can I pipe something into it?
Run metallic tokenize TEXT | how do I find out how many tokens my text has?; which command cuts text into tokens?
Run metallic detokenize | I have ids and want text; what is detokenize?
Run metallic logits | how do I export logits as a numpy array?; which subcommand writes an npy?
Run metallic perplexity | how do I calculate perplexity on a file?; which command evaluates a model on a text?
Run metallic inspect FILE to | how can I look at the tensors of a gguf?; show me a model's metadata
Run metallic template | how can I preview a chat template?; render messages with a template
A chat template | what's a chat template?; why are there chat templates?
Run metallic synth | I need a model with random weights; how do I generate a fake model for benchmarks?
Run metallic bench to | how many tokens per second do I get?; how can I benchmark my computer?
Run metallic --help | where's the list of all flags?; how do I get usage info?
Run metallic --version | how do I know which version is installed?; version?
metallic has completions | does tab completion work in my shell?; are there completions for zsh?
Run make run | how do I compile this?; what do I type first after cloning?
Run make test | how are the tests run?; I changed the code, how do I check nothing broke?
Run make install | how do I get it installed?; install the binary please
Press Ctrl-C | how can I abort a running generation?; how do I interrupt it?
Exit codes | which exit status means bad usage?; what does exit code 2 mean?
Metallic runs GGUF models | which LLMs work with it?; what architectures are there?
No. Metallic runs models of | will a Llama model work?; can I use Mistral?
Metallic reads tensors | which quantizations can it load?; what tensor types are allowed?
No. Metallic reads F32 | does Q4_K_M work?; is 4-bit supported?
Metallic reads GGUF files | can it open safetensors?; will ONNX models load?
Metallic runs models; it | can I fine-tune with this?; is training possible here?
Metallic downloads | will it fetch models for me?; can it download Qwen?
Metallic runs on Linux | can I use it on my Macbook?; which operating system do I need?
Metallic is a program | so what is this metallic thing?; what's metallic good for?
GGUF is a file | what's inside the gguf format?; explain gguf to me
Q8_0 stores | what's the idea of Q8_0?; how does q8_0 work?
Use Q8_0 for speed | F16 or Q8_0, which one?; what quantization would you recommend?
The KV cache | what's kept in the kv cache?; explain the key value cache
Prefill reads | what does prefill mean?; what happens during prefill?
Metallic is written in C11 | what's it programmed in?; which language was used to write metallic?
Metallic is free software | may I use it in a commercial product?; what's the licence?
Nothing leaves | do my prompts leave my computer?; will anything be uploaded?
You need git | what has to be there before building?; what are the build dependencies?
Include metallic.h | how do I use it as a library from C?; can I embed it in my own software?
The bundled model is | what runs when I give no model?; what is the model that comes with it?
Use a smaller or Q8_0 | it is slow, what can I do?; how do I speed it up?
"""

DEV_2 = """
Use --gguf-path FILE | my weights are in ~/models/qwen.gguf, what now?; I don't like the small model, how do I use my own?; what do I write to load Qwen2.5-3B?; which parameter expects the file with the model?
Use --prompt TEXT | can I write the question straight into the command?; what's the parameter for my prompt called?; how do I ask it something without a file?
Use --system TEXT | make the bot always answer in rhyme; is a system prompt possible?; I'd like to define how the assistant behaves
Use --max-tokens N | cap the response at 200 tokens; how do I stop it from writing novels?; is there a length limit I can set?; the response is way too long
--temperature T | which value gives the most predictable text?; can I make its writing more adventurous?; what is sampling temperature?; set temp to zero
--top-k K | let it choose from the 20 best tokens; does metallic have top-k?; what's the k in top-k sampling?
--top-p P | is nucleus sampling available?; what value do I give to top-p?; keep tokens until their probabilities sum to 0.9
--min-p P | can tokens with very low probability be cut?; what is the min-p parameter?; relative probability threshold
--repeat-penalty X | my output loops endlessly on one phrase; what's the remedy for repetition?; how strong is the repeat penalty and how do I change it?
--presence-penalty X | how do I punish tokens that already occurred?; meaning of presence penalty
--frequency-penalty X | make often used words less likely; does it support a frequency penalty?
--repeat-last-n N | how big is the window of the repeat penalty?; set the number of tokens the penalties look back
--seed N | every run gives another text, I want the same; what is a random seed here?; is the output reproducible?
--context-length N | can I have 16k of context?; how long may my prompt be?; set the context window to 4096
--threads N | my CPU has 16 cores, how do I use them all?; run it single threaded; how many threads should I give it?
--backend NAME | I own a GeForce, can metallic use it?; how do I force CPU execution?; is CUDA used automatically?; which backends exist?
--output-format chooses | can the output be in different formats?; what may I write after --output-format?
Use --output-format json for | I need structured output for my Python script; where can I read tokens per second after a run?; give the answer back as a json object
Use --output-format jsonl | I want to process events while it generates; stream the output as JSON
Use --output-format text | just the text please, no extras; how do I print the bare answer?
Use --output-format none | suppress printing of the text; how do I make it quiet?
--raw gives | how do I bypass the template?; can I complete a half-finished sentence?; what is --raw?
--logprobs K | how sure was the model about each word?; can I get token probabilities?; which flag gives the alternatives?
--stop S | make it end at the first blank line; how do I use stop strings?; end the text when "###" shows up
--prompt-file F | I saved the question in a text file; how do I send a file through a pipe?; feed stdin to the model
Run metallic tokenize TEXT | how do I see how a sentence is tokenized?; count tokens of my prompt; what command gives me the ids?
Run metallic detokenize | get the text for ids 12, 40 and 7; which command reverses tokenize?
Run metallic logits | write out the logits of a prompt; I need raw logits in numpy
Run metallic perplexity | what's the command for perplexity?; evaluate my model on wiki.txt
Perplexity says | what does perplexity tell me?; is perplexity 5 better than 10?
Run metallic inspect FILE to | what's inside model.gguf?; list all tensors with shapes; which architecture does my file have?
Run metallic inspect FILE --program | list the ops that get executed; show the model as a program
Run metallic template | try my chat template on some messages; how is a conversation rendered?
A chat template | what's the point of chat templates?; how does a conversation become a prompt?
Run metallic synth | can I get a model filled with random numbers?; make me a dummy 0.5B model
Run metallic bench to | what throughput can my box reach?; run the speed measurement; benchmark the CPU
Run metallic --help | where are the options documented?; list everything metallic can do; I forgot the flags
Run metallic --version | am I running the newest version?; tell me the version number
metallic has completions | can zsh complete the flags?; set up completions in bash
Run make run | how is metallic compiled?; fastest way to see it running; what do I do after downloading the source?
Run make test | how do I verify that my build is correct?; run the unit tests
Run make install | copy metallic to my system; how is it installed?
Run make asan | test with AddressSanitizer; are there sanitizer builds?
Run make fuzz | is there fuzzing?; run the fuzz targets
Press Ctrl-C | how do I make it stop talking?; I want to quit in the middle of an answer; how can I interrupt?
Exit codes | which code does it exit with on errors?; what does return code 1 mean?
Metallic runs GGUF models | which models are compatible?; can it do Qwen2?; supported model families?
No. Metallic runs models of | how about a Mistral 7B?; does Llama run here?; can it load DeepSeek?
Metallic reads tensors | is F16 okay?; which precisions are understood?; supported quant types?
No. Metallic reads F32 | I have a Q4_K_M file, does it work?; are K-quants supported?; does bfloat16 or BF16 work?
Metallic reads GGUF files | do safetensors files work?; can I load a checkpoint from PyTorch?
Metallic does not convert | can it convert my model to gguf?; how do I make a Q8_0 out of an F16 file?
Metallic runs models; it | can I train my own model?; is finetuning supported?
Metallic downloads | can you download Qwen for me?; how do I obtain a gguf?
Metallic has no server | does it speak HTTP?; can other programs reach it over the network?; start metallic as a web service
Metallic runs on Linux | is there a Windows version?; does it run on my iMac?; which OS do I need?
Metallic is a program | what's this program for?; explain metallic in one sentence; what exactly is metallic?
GGUF is a file | what kind of format is gguf?; tell me about GGUF
Q8_0 stores | how does 8-bit quantization store weights?; what does Q8_0 mean?
F16 stores | what's fp16?; how large is an F16 number?
Quantization stores | what does it mean to quantize?; what's a quantized model?
Use Q8_0 for speed | which quantization do you recommend?; is F16 slower than Q8_0?
A token is | what exactly is a token?; define token
The tokenizer is | which tokenizer is in there?; how does BPE work?
The KV cache | what does the KV cache hold?; tell me about the key-value cache
Prefill reads | what does the prefill step do?; prefill?
Decode writes | explain decoding; what's the decode phase?
Attention lets | what is attention for?; what's self-attention?
In grouped-query | what's grouped-query attention?; why GQA?
RoPE rotates | what's RoPE?; how do rotary embeddings work?
RMSNorm divides | what's RMSNorm?; what does the norm do?
Metallic is written in C11 | is it Rust?; in which language did you write metallic?
Metallic is free software | is this under the MIT license?; may companies use it?; is it gratis?
Nothing leaves | does anything get sent to a server?; do I have to be online?; is there any tracking?
Yes. It works offline | can it run with no internet at all?; is it private?
Meson and Ninja | is there a CMake build?; which build tool do you use?
You need git | what should I install before compiling?; list the dependencies
Include metallic.h | I want to call metallic from my C code; is there a library version?; which header and library do I need?
Call met_model_open | what's met_model_open for?; which function loads a GGUF?
Call met_generate | what's met_generate for?; which function produces tokens?
A session is | explain met_session; what does a session store?
The same logits | does the answer depend on the thread count?; is the computation bit-exact?
It uses AVX2 | is AVX-512 used?; does it have SIMD kernels?
The bundled model is | what model am I talking to if I give no file?; is a model included?; can I try it with no model of my own?
Yes. metallic prints | is the text shown while it is produced?; does it support streaming?
The answer goes | how do I write the answer into a file?; does the answer go to stdout?
Lower the temperature | the model answers rubbish; how can the answers get better?
Read SECURITY.md | how do I disclose a vulnerability?; where is the security policy?
Read CONTRIBUTING.md | can I help with development?; where do I read about contributing?
Give a new architecture | how do I add support for a new architecture?; where does the code of a new architecture belong?
Use fewer threads or | it eats all my RAM; can I reduce the memory use?
Use a smaller or Q8_0 | generation is too slow for me; what makes it run faster?
--top-k keeps a fixed | what's better, top-k or top-p?; how is top-k different from top-p?
"""

DEV_3 = r"""
Use --gguf-path FILE | how do I tell metallic where my weights are?; I want it to run the gguf in my downloads folder; what's the option for picking a model file?; start metallic with a bigger model
Use --prompt TEXT | what's the option for the input text?; how can I query the model in one command?; how do I pass along my question?
Use --system TEXT | how do I give the assistant a persona?; set a system instruction for the chat; what does the system flag do?
Use --max-tokens N | it talks too much, how do I limit that?; I only need ten tokens of output; how long will the answer be and how do I set that?; what's the cap on generated tokens called?
--temperature T | how do I get rid of randomness?; which setting makes the model more creative?; what does temperature 0 mean?; how do I do greedy decoding?
--top-k K | restrict sampling to the 40 likeliest tokens; what does the top-k number mean?; how is top-k set?
--top-p P | what does top-p 0.9 do?; how do I use the nucleus method?; explain top p to me
--min-p P | what's min p?; which flag removes tokens with tiny probability?; how do I use min-p?
--repeat-penalty X | how can I break the model out of a loop?; it repeats words all the time, what helps?; what does the repeat penalty do?
--presence-penalty X | how is the presence penalty set?; explain presence_penalty
--frequency-penalty X | how do I set frequency-penalty?; penalize words the more often they occur
--repeat-last-n N | how many previous tokens do penalties consider?; what is repeat-last-n for?
--seed N | how do I get exactly the same output again?; my results differ on every run, how do I fix that?; what is the seed good for?
--context-length N | how do I make room for a long document?; what's the flag for the context window?; increase the context please
--threads N | how do I make it run on four cores?; use fewer CPU cores; what's the flag for parallel threads?
--backend NAME | does this thing use my NVIDIA GPU?; how do I switch to CUDA?; I want to stay on the CPU; which device will it run on?
--output-format chooses | what are the possible output formats?; how is the format of the output chosen?
Use --output-format json for | can I have the reply as JSON?; how do I call this from a script and parse the result?; where do I see timings of a run?
Use --output-format jsonl | can the events be streamed as json lines?; how do I get a line of JSON for each token?
Use --output-format text | I only want the plain answer; how do I print nothing but the answer text?
Use --output-format none | how do I turn off all output?; don't print anything
--raw gives | how do I send text to the model without a template?; what does raw mode do?; I want plain completion of a text
--logprobs K | how do I see how probable each token was?; print the top 5 alternatives for every token; what's --logprobs?
--stop S | can generation stop at a particular string?; stop when it writes "User:"; what does the stop flag do?
--prompt-file F | can the prompt come from a file?; how do I read the prompt from standard input?; what does prompt-file - mean?
Run metallic tokenize TEXT | how can I see the token ids of a sentence?; how would I count the tokens in my text?; tokenize this for me, which command?
Use metallic tokenize --batch | how do I tokenize lots of lines at once?; is there batch tokenization?
Run metallic detokenize | how do token ids become text again?; decode a list of ids
Run metallic logits | how can I save the logits to a file?; I want to compare logits with transformers
Logits are | what are logits?; explain what a logit is
Run metallic perplexity | how do I measure perplexity?; test how well my model predicts a file
Perplexity says | what's perplexity?; is a low perplexity good?
Run metallic inspect FILE to | what is in this gguf file, how do I see it?; how do I list a model's tensors?; how can I check the metadata of a model?
Run metallic inspect FILE --program | how can I see which operations the model runs?; print a model's program
Run metallic template | how do I check what my chat template produces?; I want to try out a jinja template
A chat template | what does a chat template do?; explain chat templates
Run metallic synth | how do I create a random model?; I'd like to test speed without any download; what's the synth command for?
Run metallic bench to | how do I measure the speed?; is there a benchmark?; how fast is metallic on my laptop?
Run metallic --help | how can I see every option?; show me all the commands; I need the usage text
Run metallic --version | what version am I on?; how do I print the version?
metallic has completions | how do I get tab completion?; does bash completion exist?
Run make run | how do I build it?; how can I quickly try metallic?; what is the quickest way to start?
Run make test | how do I run all tests?; which command runs the test suite?
Run make install | how do I install this program?; how do I put the command on my PATH?
Run make asan | how do I run the address sanitizer?; check the code for memory errors
Run make fuzz | how can I fuzz the parsers?; start the fuzzer
Press Ctrl-C | how do I stop the generation while it runs?; which key ends it?; cancel the answer
Exit codes | what are the exit codes?; what is returned when it fails?; what does exit code 130 mean?
Metallic runs GGUF models | which models can I run?; what kinds of models does metallic know?; does it run Qwen2.5?
No. Metallic runs models of | does it work with Llama 3?; is Gemma supported?; can I load a Phi model?
Metallic reads tensors | which weight types can metallic read?; does it understand F16?; what quantization types work?
No. Metallic reads F32 | can I load a Q4_0 file?; does it support bf16?; will a Q5_K model run?
Metallic reads GGUF files | can metallic read a PyTorch checkpoint?; does it load safetensors?
Metallic runs models; it | can metallic train a model?; how do I fine-tune my model?
Metallic downloads | does metallic download models?; where can I get a model from?
Metallic has no server | can I run it as an HTTP server?; is there a REST interface?
Metallic runs on Linux | what platforms does it support?; does metallic work on Windows?; will it run on Ubuntu?
Metallic is a program | what is metallic?; tell me what metallic does; why should I use metallic?
GGUF is a file | what does gguf mean?; what is a .gguf?
Q8_0 stores | what is q8_0?; how are weights stored in Q8_0?
F16 stores | what is F16?; what does half precision mean?
Quantization stores | why would I quantize a model?; what does quantization do?
Use Q8_0 for speed | should I pick F16 or Q8_0?; which type is the fastest?
A token is | what's a token?; tell me what tokens are
The tokenizer is | what kind of tokenizer does it use?; what is byte-level BPE?
The KV cache | what is the KV cache for?; why does it keep keys and values?
Prefill reads | what is meant by prefill?; explain the prefill phase
Decode writes | what happens in the decode phase?; what is decode?
Attention lets | how does attention work?; explain attention
In grouped-query | what is GQA?; explain grouped query attention
RoPE rotates | what does rope do?; what are rotary embeddings?
RMSNorm divides | what is rmsnorm?; how does RMSNorm work?
Metallic is written in C11 | what language is it written in?; is it a C++ program?
Metallic is free software | is it open source?; what is the license of this?; can I use it for free?
Nothing leaves | does it need internet?; is my text sent to some server?; do you collect my data?
Yes. It works offline | can I use it offline?; does it run locally?
Meson and Ninja | which build system is used?; what builds metallic?
You need git | what packages do I need?; which tools are required to build it?
Include metallic.h | how do I link against the library?; how can my C program use metallic?
Call met_model_open | which function opens a model?; what does met_model_open do?
Call met_generate | what is met_generate?; which function streams text?
A session is | what is a session?; what's met_session?
The same logits | do more threads change the result?; are results deterministic across CPUs?
It uses AVX2 | does it make use of AVX-512?; which SIMD instructions does it use?
The bundled model is | what is the bundled model?; which model is used if I don't give one?; do I have to download a model first?
Yes. metallic prints | does the output stream?; do I see the answer as it is generated?
The answer goes | where is the answer printed?; what goes to stderr?
Lower the temperature | the answers are nonsense, what can I do?; how do I get better answers?
Read SECURITY.md | I found a vulnerability, whom do I tell?; how do I report a security issue?
Read CONTRIBUTING.md | how can I contribute?; I'd like to send a patch
Use fewer threads or | it uses too much memory; how much RAM do I need?
Use a smaller or Q8_0 | how do I make it faster?; why is it so slow?
"""

DEV_4 = r"""
Use --gguf-path FILE | how do I run the model I just fetched?; the weights file is on a USB stick, how do I use it?; is there an option for the model's path?; I prefer my own network to the built-in one; I got a 7B gguf from a friend, how would I start it?; which switch tells it where the model sits on disk?; please take my own weights instead
Use --prompt TEXT | how do I put in my question?; which flag carries the prompt text?; send a message to the model; what do I add to the command to ask about the weather?; where in the command does the question belong?
Use --system TEXT | how can I set the system role?; tell it to behave like a chef; where can I put the instructions for the assistant?; I'd like it to respond as a strict teacher, what flag?; can I give background instructions to the assistant?
Use --max-tokens N | I want shorter outputs; how do I restrict the number of generated tokens?; stop after thirty tokens; why is my answer cut?; it should not write more than 64 tokens; the text ends too soon, which limit is that?; how would I bound the reply?
--temperature T | what temperature is good for code?; I'd like more random text; how do I switch to greedy search?; lower the randomness; its answers vary too much, what do I turn down?; what would a temperature of 1.2 do?; I need fully predictable completions
--top-k K | what's the effect of top-k?; only consider the ten best tokens; how do I choose k?; draw the next token from the best thirty only; which option limits the number of candidates?
--top-p P | set p to 0.8; what does a nucleus of 0.95 mean?; choose tokens that together hold 90% of the probability
--min-p P | how do I remove the unlikely tokens?; what does min_p control?; throw out everything below five percent of the best token's probability; is min-p there?
--repeat-penalty X | how do I stop repeated sentences?; it keeps saying the same words; what is repeat_penalty?; the output is one sentence repeated forever; is there something against repetitions?
--presence-penalty X | how can I get it to use new words?; what's --presence-penalty do?; I want it to move on to new subjects, which penalty?; how large is the presence penalty by default and what is it?
--frequency-penalty X | how do I lower words that come up often?; what does frequency_penalty mean?; which setting punishes words in proportion to how often they appeared?; explain the frequency penalty please
--repeat-last-n N | how many tokens does the repeat penalty look at?; over how many tokens is repetition punished?; how can I make the penalty look further back?
--seed N | same prompt, different answers: why?; I'd like to reproduce yesterday's output; two runs gave two texts, how can I prevent that?
--context-length N | is 8192 tokens of context possible?; my document doesn't fit; my chat gets longer than the window, what do I set?; how do I get a context of 32768 tokens?
--threads N | how many CPU threads are used?; make use of all my cores; it only uses one core, can I change that?; give it six threads; what decides how many cores are busy?
--backend NAME | can I run this on my graphics card?; does metallic use Metal on my Mac?; switch off the GPU; does it run on an RTX 3090?; how do I keep it off the GPU?; which hardware can it compute on?
--output-format chooses | how many output formats are there?; what can --output-format be?; in what forms can the answer be printed?; I'd like another output format, which are there?
Use --output-format json for | I need the token counts of my run; can a script read the result?; I'd like to pipe the answer into jq; how do I learn how many tokens per second that run made?
Use --output-format jsonl | how do I print each event as a JSON line?; how can my program get tokens as JSON while they are generated?; one JSON record for every event please
Use --output-format text | how do I get plain text output?; only print the answer
Use --output-format none | I don't want any output; how do I run without printing?; run it but show nothing; is there a way to have no output at all?
--raw gives | how do I use the model without chat formatting?; continue my text without a template; I don't want any roles around my text; how do I prompt a base model with bare text?
--logprobs K | show me log probabilities; what other words did the model consider at each step?; can it tell me the probability of its words?
--stop S | generation should stop at "\n\n"; the reply should stop at the word Question; is there an option to end at a given string?
--prompt-file F | read from stdin; is there an option to load the prompt from disk?; my question is in notes.txt, how do I hand it over?; can another program's output be the prompt?
Run metallic tokenize TEXT | is there a token counter?; into which pieces is my sentence cut?; how long is my prompt in tokens?
Use metallic tokenize --batch | how can I tokenize a whole file of sentences?; tokenize in bulk
Run metallic detokenize | how do I get from ids to text?; turn 5,6,7 into words; what text do the ids 100 and 200 make?; I'd like to turn a token list back into a string
Run metallic logits | logits as npy please; how can I save what the model computes before sampling?; is there a command that exports logits to numpy?
Run metallic perplexity | which subcommand is for perplexity?; how do I rate a model on a text file?; which tool measures perplexity here?
Perplexity says | should perplexity be low?
Run metallic inspect FILE to | what tensors does my model have?; how do I find out how many layers a gguf has?; where can I see a model's hyperparameters?
Run metallic inspect FILE --program | what operations does it execute?
Run metallic template | how do I test a jinja chat template?; show the prompt that my template produces; how can I look at the prompt a template builds?; I wrote a jinja template, how do I try it?
A chat template | define chat template
Run metallic bench to | how do I benchmark it?; what speed does my machine reach?; how do I get performance numbers?; I'd like to know how fast my CPU decodes
Run metallic --version | print version; how can I tell which release this is?; what's the version of this binary?
metallic has completions | is there zsh completion?
Run make run | I want to try it quickly, what do I run?; I just cloned the repository, what's the first command?
Run make test | are my changes correct, how do I check?; I edited a kernel, how do I see that it still works?
Run make install | how do I install metallic on my computer?; install it into /usr/local; how can everybody on this machine use metallic?; where's the install step?
Run make fuzz | is the parser fuzzed?
Press Ctrl-C | how do I cancel a generation?; can I interrupt the model?; it is still writing, how do I end that?; how can I break off a long answer?
Exit codes | what exit code signals an error?; list the exit codes; what does the program return after an error?; how does my script learn that metallic failed?
No. Metallic runs models of | is Phi-3 possible?; could I load Llama 3.1 8B?; are Gemma and Phi supported?
Metallic reads tensors | can I use Q8_0 models?; does F32 work?; which types may the tensors have?; are F16 models fine?
No. Metallic reads F32 | can I run 4-bit models?; my file is Q5_K_M, will that work?; can it handle int4 weights?
Metallic reads GGUF files | can it read safetensors files?; my model is a .safetensors file, can I use it?; is ONNX an option?
Metallic does not convert | can metallic quantize?; can I turn an F16 gguf into Q8_0 with this?; is there a converter for PyTorch models?
Metallic runs models; it | does metallic support training?; how can I finetune Qwen with it?; could I fine-tune the model on my mails?; is it able to train networks?
Metallic has no server | does it have a web API?; can I send it requests over HTTP?; is it possible to run metallic as a service?
Metallic runs on Linux | does it support macOS?; can I run it under Windows?; which platforms are there?; I use Fedora, will it run?; do you support Windows 10?
Use Q8_0 for speed | what's the best quantization?; I care about speed, F16 or Q8_0?; which of the types is the most accurate?
A token is | what does token mean?; how would you define a token?
The KV cache | what is stored in the cache?; why is there a cache for keys and values?; what is kept in the KV cache?
Prefill reads | what's the prefill phase for?; what is going on during prefill?; what do you call reading the prompt?
Metallic is written in C11 | is metallic a Rust project?; is the source code in C++ or C?
Metallic is free software | can I use it at my company?; do I need to pay for it?; what does the license allow?; am I allowed to sell a product with it?
Nothing leaves | will my prompts be uploaded?; will my questions be stored on some server?; does the program call home?
Meson and Ninja | is it built with CMake?
You need git | which dependencies are there?; which packages must be there before I compile?; what are the requirements to build it?
Call met_generate | how do I generate text with the API?
The same logits | are the results the same with any number of threads?
The bundled model is | do I need to download something to try it?; if I pass no gguf, who answers?; does metallic ship with a model?
Yes. metallic prints | can I see tokens as they come?; do the words appear one after another?; is output streamed?
Read CONTRIBUTING.md | I want to fix a bug in metallic
The presence penalty is | difference between presence-penalty and frequency-penalty
Run metallic synth | I have no model but want to measure speed; how can I fake a 3B model?
Run metallic --help | which options could I use?; I don't remember the flags, where do I look?
Metallic runs GGUF models | what kind of models can be used with it?; will Qwen2.5 7B Instruct run?
Metallic downloads | will metallic get Qwen from the internet by itself?; from where do I get weights?
Metallic is a program | in short, what is metallic?; what would I use metallic for?
GGUF is a file | what do people mean by GGUF?; what's stored in a gguf?
Q8_0 stores | how does Q8_0 keep the weights?
Quantization stores | what's the benefit of quantization?; what is meant by quantizing a model?
Include metallic.h | how can I use this engine inside my own C project?; is there an API for developers?
The answer goes | I'd like the answer in a file, how?; are warnings mixed with the answer?
Use fewer threads or | my machine has little RAM, what can I do?
Use a smaller or Q8_0 | I find it slow, any advice?; what can I do for more speed?
"""

DEV_5 = r"""
Use --gguf-path FILE | I have qwen2.5-0.5b.gguf in my home folder, how can metallic load it?; path to model option; how do I make it use another gguf
Use --prompt TEXT | how can I ask it something in one line?; what's the flag for my question?; how to send it a message from bash
Use --system TEXT | I want it to always answer politely, where do I say so?; set a persona for the assistant
Use --max-tokens N | how do I stop it after 50 tokens?; answers are too long; can I cap the output length?; what's the option to limit the response size?
--temperature T sets | what is a good way to make output more random?; how do I get less predictable text?; what does a temperature of 0 do?
--top-k K keeps | how do I sample from the 40 best tokens?
--top-p P keeps | how does nucleus sampling work here?; how to set top p to 0.9
--min-p P drops | explain min-p please
--repeat-penalty X | it keeps saying the same thing, what can I do?; how do I avoid loops in the text?; what is the repetition penalty flag?
--presence-penalty X | how can I use presence penalty; is there a presence_penalty like in OpenAI's API?
--frequency-penalty X | how do I punish words by how often they occurred?; explain frequency penalty; is there something like frequency_penalty?
The presence penalty is | how do the presence and frequency penalties differ?; frequency penalty or presence penalty, what's the difference?
--seed N | I need reproducible results; every run gives something else, how do I fix the randomness?; is there an option for the random seed?
--context-length N | what is the flag for the context window?; I need room for 8000 tokens
--threads N | restrict it to two threads; how many threads does it use and how do I change that?; can I set the core count?
--backend NAME | how do I run it on the GPU?; can I pick CUDA?
--output-format chooses | in what formats can it print?
Use --output-format json for | I want to parse the answer in a script as json; can I get token counts and timings as one json object?
Use --output-format jsonl | how do I get events as they happen in JSON lines?; I want one json object per line; stream tokens as jsonl
json is one document | what's the difference between json and jsonl output?; should I choose json or jsonl?
Use --output-format text | how do I print just the plain answer?; I want plain text output
Use --output-format none | how can I suppress the answer?; can it print nothing at all?; no output please, I only measure
--messages FILE | how do I pass a chat history?; can I give it earlier turns of a conversation?; where do I put a list of messages with roles?
--tools FILE | can I declare tools for the model?; where do I pass my tool definitions?
--ignore-end | how do I make it continue past the end of the answer?; can it ignore the end token?; generate on and on for a benchmark even when the answer is over
--kv-type | what precision does the cache of keys and values have?; change the data type of the kv cache
Set METALLIC_BACKEND | can I set the threads with an environment variable?; is there an env var for the backend?
--raw gives | I want plain text completion without a template; feed the prompt unchanged
--logprobs K | does it report log probabilities?; show me the top 5 alternatives for each token
--stop S | how do I make it stop at a certain word?; is there a stop sequence option?; end the output when it prints END
Run metallic tokenize TEXT | how do I see which tokens a sentence has?; how can I count the tokens of my text?
Use metallic tokenize --batch | tokenize every line of a jsonl file
Run metallic detokenize | how do I get text back from ids?; what does 512 17 9 mean as text?; convert token numbers to words
Run metallic logits | I need the raw scores as a numpy array
Logits are | what do logits mean
Run metallic perplexity | how do I compute the perplexity of a text file?; how can I check how well a model predicts my book?
Perplexity says | explain the meaning of perplexity
Run metallic inspect FILE --program | how can I list the operations that a model runs?; show the program of the model; what steps does the machine execute for a model?
Run metallic template | how can I render a jinja template with my messages?; preview the prompt that a template makes
A chat template turns | why do models need chat templates?
Run metallic synth | how do I create a fake model to measure speed?; generate a synthetic 7B model
Run metallic bench to | how do I test performance?
Run metallic --version | am I up to date, what version is this?
metallic has completions | is there autocompletion for zsh?
Run make run | how do I build it and see a first answer?
Run make test | how can I check that all tests pass?
Run make install | how do I install it system wide?; how can I put metallic into /usr/local?; what's the install command?
Run make asan | run the tests under ASan
Run make fuzz | is there fuzzing for the GGUF parser?
Press Ctrl-C | it is still writing, how do I make it stop?; what happens if I press control C?
Exit codes: | which return codes can I expect?; what's the exit code on error?
Metallic runs GGUF models | which models can I use?
Metallic reads tensors | what weight formats does it accept?
No. Metallic reads F32 | can it run Q4_K_M models?; does it support 4-bit quantization?; will a Q5_0 file work?
Metallic reads GGUF files | does it load PyTorch checkpoints?; can I use an ONNX model?
Metallic does not convert | make a Q8_0 file from an F16 one
Metallic runs models; | does it do LoRA training?
Metallic downloads nothing | will it fetch models from Hugging Face?; can it get a model from the internet?
Metallic has no server | does it offer an OpenAI compatible API?; is there a REST endpoint?
Metallic runs on Linux | which operating systems does it work on?
Metallic is a program | describe metallic in a sentence
Q8_0 stores | how does q8_0 store its weights?
F16 stores | how many bits has F16?
F32 stores | how many bits are in an f32?
Use Q8_0 for | which is better, F16 or Q8_0?; which type should I choose, q8_0 or f16?
A token is | explain what tokens are
The tokenizer is | what kind of tokenizer do you use?; is it BPE or sentencepiece?
Attention lets | explain attention in a transformer
RMSNorm divides | explain rms norm; how does RMS normalization work?
SwiGLU is | which activation does the feed-forward layer use?
Inference means | what does inference mean in machine learning?
Metallic is written | is it C++ or C?; is metallic a Rust program?
Nothing leaves | is my text private?; do you collect telemetry?
Yes. It works offline | do I need a connection?
You need git | what are the build requirements?; which packages must be installed first?
Include metallic.h | how can I use it from my C program?; which library do I link against?
Call met_model_open | how do I load a model in C?; API call to open a gguf
Call met_generate | how do I stream text with the C API?; how can my C code get an answer?
A session is | what is a session in the API?
The same logits | are results the same with 1 and 8 threads?; is it deterministic?; do I get identical logits on another CPU?
The bundled model is | which model are you?
Yes. metallic prints | do I see words as they are produced?; is the answer shown while it's being written?
The answer goes | which stream do errors go to?; is stdout clean?
Lower the temperature | the answers make no sense, what can I do?
Read SECURITY.md | where do I send security bugs?
Read CONTRIBUTING.md | how can I help with development?; do you accept pull requests?; I'd like to contribute a patch
Give a new architecture | where does the code of a new model type go?; I want to implement Llama, where do I begin?
Use fewer threads or | how can I lower the RAM usage?; the process gets killed for memory, any tip?
Use a smaller or Q8_0 | how can I speed it up?
"""

TEST = r"""
Use --gguf-path FILE | where do I tell it which weights to take?; I'd rather run my own 1.5B file; pass a path to a model; can I swap the tiny model for a bigger one?
Use --prompt TEXT | I have one question for the model, how do I give it on the command line?; what comes after metallic when I want to ask something?; short flag for a user message
Use --system TEXT | the assistant should be a strict teacher, how?; add a system message to a single run; instructions that hold before the prompt
Use --max-tokens N | how can I bound the answer to 64 tokens?; it rambles, put a stop to that after some tokens; most tokens to generate
--temperature T sets | how do I get the same likeliest words always?; make the writing wilder; does zero temperature mean no randomness?
--top-k K keeps | consider just the 5 likeliest tokens; top 40 sampling, which flag?
--top-p P keeps | tokens holding 95% of the probability; nucleus sampling flag name
--min-p P drops | how do I throw out tokens far less likely than the best?; min_p meaning
--repeat-penalty X | it says one phrase again and again; a cure for repetitive answers; divide logits of tokens already used
--presence-penalty X | lower any token that was there before by a constant; presence penalty usage
--frequency-penalty X | subtract more for every time a token came; frequency penalty usage
The presence penalty is | presence against frequency penalty, explain
--repeat-last-n N | let the penalties look at the whole context
--seed N | can I get yesterday's random answer again?; same text twice please
--context-length N | I want a window of 4096 tokens; most tokens of prompt and answer together
--threads N | how do I give it six workers?; keep two cores free while it runs
--backend NAME | how do I choose between cpu and metal?; can I force it to stay on the processor?; use my Mac's GPU
--output-format chooses | what kinds of output are there?; which values has -o?
Use --output-format json for | I want the token counts of a run in a document; one json document with everything; machine readable answer with timings
Use --output-format jsonl | an event for every token, line by line; events while it is running
json is one document | jsonl against json, which is which?
Use --output-format text | plain text without anything around it
Use --output-format none | run but print no answer; throw the answer away
--messages FILE | I have a json list of messages, how do I pass it?; go on with a conversation from a file
--tools FILE | the model should be able to call my functions; a json list of functions for the model
--ignore-end | do not stop when the model ends its answer; keep decoding past the end for a benchmark
--kv-type | keep keys and values in f32; is the cache f16 or f32?
Set METALLIC_BACKEND | I want 4 threads in every run without typing the flag; variable for the longest context; does the flag or the variable win?
--raw gives | no chat template please; hand the text to the model unchanged
--logprobs K | print probabilities of the alternatives
--stop S | quit as soon as the text contains STOP; end before a given string
--prompt-file F | the prompt is a long text file, how do I pass it?; what does a lone dash mean?
Run metallic tokenize TEXT | show the ids of the word hello; how long is my text in tokens?
Use metallic tokenize --batch | I have a thousand texts to tokenize
Run metallic detokenize | from ids back to words; which text do these numbers make?
Run metallic logits | export the scores of every token to numpy; get an npy with logits
Logits are | what is a logit in a language model
Run metallic perplexity | score a model on a text file; how well does it predict my corpus?
Perplexity says | is a small perplexity good or bad?
Run metallic inspect FILE to | print the tensor list of a file
Run metallic inspect FILE --program | print the ops that the machine runs for a model
Run metallic template | try out a jinja file; how does my template render these messages?
Run metallic synth | write random weights in the shape of the 3B; I need a fake gguf for speed tests
Run metallic bench to | how do I find out tokens per second on this laptop?; I want to measure how fast decode is; compare my machine with its limit
metallic bench --roofline | how can I see which operation is slowest?; bytes and time for each op of a benchmark
metallic bench measures | bench prints tg128, what is that?
--speculate N | can it guess tokens from the earlier text?; is speculative decoding in there?; does speculation alter the result?; editing a file is slow, the answer mostly copies the prompt
--matmul NAME | can OpenBLAS do the prefill?; how do I set FORCE_MATMUL_BACKEND?; who does the multiplications of the prompt?; vendor or native, where do I say it?
Run metallic env to | show me every variable it listens to; how can I find out which variables exist?
-v tells more | I want to see what it chose at the start; how do I make stderr more talkative?; no messages except errors; how do I set the log level to debug?; what are -vv and -vvv?
METALLIC_TRACE_PATH names | I want a timeline of the threads; variable for a trace
METALLIC_METRICS_JSONL_PATH | write all measurements into a file; where can I have metrics as JSON Lines?
METALLIC_METRICS_CONSOLE | print the metrics of a generation to stderr; tell me after each answer what it cost
METALLIC_ENABLE_PROFILING | trace only tokens, not every op; set the profiling to layer
Run metallic on a terminal | how do I chat with it in my terminal?; is there a text user interface?; how do I talk to it in several turns on the terminal?
The commands are /help | what can I type after a slash?
/clear begins | how do I begin anew in the chat?; forget what we talked about
/system TEXT sets | change the system message of a running chat; /system in the chat
/save FILE writes | how do I keep this chat in a file?; write our conversation to disk
/load FILE goes | continue a chat that I saved; how do I open a saved conversation?
/temp X sets | how do I make the chat more random without restarting?
/stats shows | figures about the answer I just got; what does /stats tell me?
/quit leaves | does Ctrl-D leave?
Esc stops | stop this answer but stay in the chat
F2 shows | how do I hide the panel on the right?
Up and Down | how do I get my previous message back?; is there a history of what I typed?
Tab goes | how do I open a layer in the timing tree?
Set NO_COLOR | I don't want colours in the interface; how do I get rid of colors?
Metallic runs on Apple GPUs | is Metal simulated on Linux?
Run metallic --help to | print every flag there is; I need a summary of all options
Run metallic --version | which release do I run?
metallic has completions | complete flags in bash with tab
Run make run | compile metallic and try it; what do I type in a fresh clone?
Run make test | are all tests green? how do I check?
Run make install | put the binary and the man page on my system
Run make asan | look for memory errors with a sanitizer
Press Ctrl-C | how do I break off a long answer?; can I interrupt it and keep the text?
Exit codes: | what does 130 mean as exit status?; which status does bad usage give?
Metallic runs GGUF models | can it run Qwen2.5 Coder?
No. Metallic runs models of | what about Gemma models?
Metallic reads tensors | which weight types are read?
No. Metallic reads F32 | do 4-bit files work?
Metallic reads GGUF files | is a safetensors file fine?
Metallic does not convert | quantize my F16 model
Metallic runs models; | can I fine-tune Qwen with it?
Metallic downloads nothing | does it fetch weights for me?
Metallic has no server | can I run it as an HTTP service?
Metallic runs on Linux | does it work on my Macbook?; is Linux enough?
Metallic is a program | tell me in one line what metallic is
Q8_0 stores | how many bits per weight has Q8_0?; what is a Q8_0 block?
F16 stores | how wide is an f16 number?
Use Q8_0 for | F16 against Q8_0 for speed?
A token is | what is meant by token?
The tokenizer is | how does it split text, BPE?
The KV cache keeps | why are keys and values cached?
Prefill reads | what does prefill do with the prompt?
Decode writes | what is decode, one token at a time?
Attention lets | what is attention in the model?
RoPE rotates | what does rope do to queries?
RMSNorm divides | what is root mean square normalization?
SwiGLU is | explain the gated feed-forward
An embedding is | what vector stands for a token?
Metallic is written | which C standard is it written in?
Metallic is free software | am I allowed to use it at my company?
Nothing leaves | does it talk to the network?; is anything uploaded?
Meson and Ninja | is meson used for the build?
You need git | what must I have installed to build it?
Include metallic.h | call it from my own C program
Call met_model_open | function that opens a model
Call met_generate | function that streams text
A session is | what does met_session hold?
It uses AVX2 | does it have NEON kernels?
The bundled model is | which model answers when I give none?; is there a model inside the program?
Yes. metallic prints | does the text come token by token?
The answer goes | how do I redirect only the answer?
Read CONTRIBUTING.md | how do I send you a patch?
Give a new architecture | how would I add Gemma to metallic?
Use a smaller or Q8_0 | it is too slow for me; how do I get more tokens per second out of it?
"""


def _read(text):
    answers = [answer for answer, _ in about.INTENTS]
    found = []
    for line in text.strip().splitlines():
        begin, questions = line.split(" | ")
        match = [answer for answer in answers if answer.startswith(begin)]
        assert len(match) == 1, (begin, match)
        found += [(question.strip(), match[0]) for question in questions.split(";")]
    return found


DEV_ITEMS, TEST_ITEMS = _read(DEV) + _read(DEV_2) + _read(DEV_3) + _read(DEV_4) + _read(DEV_5), _read(TEST)
HELD_OUT = DEV_ITEMS + TEST_ITEMS

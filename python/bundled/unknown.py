"""Questions that the bundled model must not pretend to know: the answer is "I don't know."

Owns: frames, real names and topics, and whole questions without an answer here.
Does not own: what is known (facts.py, about.py); `unknown` refuses a question that a fact answers.
Invariant: frames are shared with the facts ("What is the capital of ..."), so that the answer
hangs on the name and not on the frame.
"""
import about
from facts import (CAPITAL_OF, CAPITALS, COUNTRY_OF, CURRENCY, CURRENCY_OF, CONTINENT_OF, ELEMENTS, ELEMENT_OF_NUMBER, ELEMENT_OF_SYMBOL,
                   FACTS, HOW_MANY, LANGUAGE, LANGUAGE_OF, NUMBER_OF, SYMBOL_OF, UNITS, article, rows)
from grammar import expand_all
from skills import ADD, DIVIDE, IDK, MULTIPLY, SUBTRACT
from words import WORDS, made_up

PEOPLE = """Barack Obama;Angela Merkel;Napoleon;Julius Caesar;Cleopatra;Mozart;Bach;Elvis Presley;Michael Jackson;Taylor Swift;Beyonce;Lionel Messi;
    Cristiano Ronaldo;Serena Williams;Usain Bolt;Steve Jobs;Bill Gates;Elon Musk;Alan Turing;Ada Lovelace;Nikola Tesla;Thomas Edison;Galileo;Aristotle;
    Plato;Socrates;Confucius;Gandhi;Nelson Mandela;Winston Churchill;Abraham Lincoln;John F. Kennedy;Queen Elizabeth;Marilyn Monroe;Charlie Chaplin;
    Walt Disney;Frida Kahlo;Rembrandt;Michelangelo;Salvador Dali;Andy Warhol;Jane Austen;Mark Twain;Ernest Hemingway;Franz Kafka;Virginia Woolf;
    Stephen King;J. K. Rowling;Agatha Christie;Sherlock Holmes;Harry Potter;Batman;Superman;Darth Vader;Mickey Mouse;Frodo;Hermione;Zeus;Thor;Buddha;
    Alexander the Great;Genghis Khan;Joan of Arc;Karl Marx;Sigmund Freud;Immanuel Kant;Friedrich Nietzsche;Stephen Hawking;Richard Feynman;
    Emmy Noether;Grace Hopper;Donald Knuth;Euler;Gauss;Archimedes;Pythagoras;Euclid;Kepler;Copernicus;Louis Pasteur;Gregor Mendel;Rosa Parks;
    Martin Luther King;Malala;Greta Thunberg;the Pope;the president;the prime minister;the king of Spain;my mother;my neighbor;your father;my boss;
    Tom Hanks;Brad Pitt;Meryl Streep;Freddie Mercury;John Lennon;David Bowie;Madonna;Rihanna;Drake;Eminem;Pele;Maradona;Roger Federer;Tiger Woods;
    Michael Jordan;Muhammad Ali;Ayrton Senna;Lewis Hamilton;Magnus Carlsen;Garry Kasparov;Bobby Fischer""".replace("\n    ", "").split(";")
PLACES = """Texas;California;Bavaria;Tuscany;Siberia;Alaska;Florida;Hawaii;Sicily;Catalonia;Normandy;Quebec;Ontario;New York;Los Angeles;Chicago;
    Barcelona;Munich;Hamburg;Milan;Naples;Venice;Manchester;Liverpool;Istanbul;Mumbai;Shanghai;Osaka;Sydney;Melbourne;Toronto;Vancouver;Rio de Janeiro;
    Dubai;Atlantis;Narnia;Mordor;Gotham;Wakanda;Westeros;Hogwarts;Europe;Asia;Africa;Greenland;Tibet;Puerto Rico;Antarctica;the moon;Zurich;Geneva;Lyon;
    Marseille;Krakow;Porto;Seville;Antwerp;Rotterdam;Salzburg;Gothenburg;Bergen;Aarhus;Tampere;Saint Petersburg;Novosibirsk;Lagos;Casablanca;
    Cape Town;Johannesburg;Sao Paulo;Monterrey;Cancun;Medellin;Cusco;Boston;Seattle;San Francisco;Houston;Miami;Las Vegas;Kyoto;Busan;Hong Kong;
    Macau;Bali;Phuket;Goa;Kerala;Punjab;Ohio;Kansas;Nevada;Oregon;Utah;Arizona;Brittany;Saxony;Flanders;Bohemia;Transylvania;Crimea;Kurdistan;
    Patagonia;Amazonia;the Sahara;the Vatican;the Roman Empire;the Soviet Union;Yugoslavia;Prussia;Mars;Babylon;Troy;Sparta""".replace("\n    ", "").split(";")
WORKS = """Titanic;Star Wars;The Matrix;Casablanca;The Godfather;Avatar;Frozen;Toy Story;Game of Thrones;Breaking Bad;Friends;The Simpsons;
    The Lord of the Rings;The Hobbit;Moby Dick;Ulysses;The Great Gatsby;Crime and Punishment;The Metamorphosis;Dracula;Frankenstein;Sherlock Holmes;
    The Bible;Pride and Prejudice;Little Women;The Little Prince;Pinocchio;Alice in Wonderland;Peter Pan;Treasure Island;Robinson Crusoe;Jaws;Rocky;
    Bohemian Rhapsody;Yesterday;Imagine;Thriller;The Scream;The Last Supper;Water Lilies;The Kiss;The Four Seasons;Swan Lake;Carmen;Aida;La Traviata;
    The Nutcracker;Minecraft;Tetris;Super Mario;Zelda;The Wealth of Nations;The Republic;Das Kapital""".replace("\n    ", "").split(";")
TOPICS = """pasta;bread;the guitar;the piano;football;tennis;chess;cars;trains;bridges;castles;love;music;history;politics;economics;the stock market;
    philosophy;religion;medicine;viruses;vaccines;banking;taxes;law;war;peace;quantum mechanics;black holes;dark matter;string theory;photosynthesis;
    democracy;capitalism;climate change;evolution;dinosaurs;the Big Bang;blockchain;bitcoin;machine learning;neural networks;backpropagation;
    the transformer architecture;JavaScript;Rust;Java;HTML;SQL;Docker;Kubernetes;Git;a compiler;an operating system;a database;recursion;a linked list;
    a hash table;sorting algorithms;cryptography;the internet;Wi-Fi;Bluetooth;5G;robots;electric cars;solar panels;nuclear power;batteries;rockets;
    the French Revolution;the Cold War;the Renaissance;the Middle Ages;the Roman Empire;ancient Egypt;the Vikings;samurai;yoga;meditation;sleep;
    dreams;happiness;depression;headaches;a cold;the flu;cancer;diabetes;vitamins;protein;calories;coffee;tea;wine;beer;cheese;chocolate;pizza;sushi;
    gardening;roses;cats;dogs;horses;sharks;whales;eagles;spiders;volcanoes;earthquakes;hurricanes;the ocean;mountains;deserts;rain forests;art;poetry;
    photography;dance;fashion;architecture;marriage;friendship;money;jobs;education;language;grammar;Latin;the Olympics;basketball;baseball;golf;poker;
    calculus;integrals;matrices;prime numbers;geometry;statistics;logarithms;entropy;magnetism;electricity;the periodic table;acids;DNA;bacteria;
    cells;the brain;the heart;bones;skin;eyes""".replace("\n    ", "").split(";")

PERSON_Q = expand_all("""
    Who [is|was] {p}
    [When|Where] was {p} born
    [When|How] did {p} die
    How [old|tall|rich] is {p}
    What did {p} [do|say|discover|invent|write|want]
    What is {p} [famous|known] for
    Who is {p} married to
    Where does {p} live
    Tell me about {p}
    What is {p}'s [birthday|real name|favorite color|phone number|age]
    How many children does {p} have
    Is {p} [alive|rich|married|dead]
    Who was the father of {p}
    What was {p} doing in {y}
    Do you know {p}
    Why is {p} famous
    Which books did {p} write
""")
PLACE_Q = expand_all("""
    How many people live in {p}
    What is the [population|size|area|weather|climate|history|flag|president|area code|time zone|national anthem|tallest building|best restaurant] [of|in] {p}
    Who is the [president|king|queen|mayor|prime minister|leader|governor] of {p}
    What is the weather [like |]in {p}[| today| tomorrow]
    What time is it in {p}
    How far is it [to|from here to] {p}
    How do I get to {p}
    What happened in {p} in {y}
    What should I see in {p}
    Is {p} [a nice place|expensive|dangerous|beautiful|worth a visit]
    When was {p} [founded|built|discovered]
    Where can I eat in {p}
    What is {p} famous for
    Which river flows through {p}
    What do people eat in {p}
    Tell me about {p}
    Who founded {p}
    What is the largest city [in|of] {p}
    How big is {p}
    Which countries border {p}
    What is the postal code of {p}
""")
WORK_Q = expand_all("""
    Who [wrote|directed|made|painted|composed|sang|starred in|created] {p}
    When was {p} [written|made|released|published|painted]
    What is {p} about
    [Summarize|Explain|Review] {p}
    Who is the [main character|hero|villain|author] [of|in] {p}
    How does {p} end
    How long is {p}
    Have you [read|seen|heard] {p}
    Is {p} good
    Quote a line from {p}
""")
TOPIC_Q = expand_all("""
    What is {p}
    What are {p}
    [Explain|Describe] {p}[| to me| in simple words| briefly| to a child| in one sentence]
    Tell me [about|something about|a fact about|more about] {p}
    Who invented {p}
    How [does {p} work|do {p} work]
    Why is {p} [important|so popular|difficult|interesting]
    What do you think about {p}
    Write [a poem|an essay|a story|a song|a haiku|a paragraph|an article|a joke] about {p}
    What is the [best|worst] thing about {p}
    What is the history of {p}
    Do you like {p}
    How do I learn {p}
    Teach me {p}
    Give me [five|three|some|ten] [facts|tips|ideas|examples] [about|on|for] {p}
    What is the [definition|price|future] of {p}
    How much does {p} cost
    Is {p} [good|bad|real|healthy|dangerous|useful]
    Recommend a book about {p}
    [Define|Summarize] {p}
    Can you explain {p}
    What are the [advantages|disadvantages|pros and cons] of {p}
    Where can I buy {p}
    When was {p} [invented|discovered]
    I need help with {p}
    Let's talk about {p}
""")
WHOLE = expand_all("""
    What is my [name|age|address|password|birthday|favorite color|job|phone number|IP address]
    [Who am I|How old am I|Where am I|Where do I live|What am I thinking|What am I wearing|What did I eat|What do I look like]
    What time is it[| now]
    What [day|date|year|month] is it[| today]
    What is [the date|today's date]
    What day is today
    Will it rain [today|tomorrow]
    What will happen [tomorrow|next year|in 2050]
    What is the meaning of life
    [Is there|Does] [a god|God exist]
    Tell me a [joke|story|secret|riddle|fun fact]
    [Write|Compose|Make] me a [poem|song|story|letter|speech|CV|resume|joke]
    Write [a Python program|a function|some code|an email|a cover letter|a tweet|a bash script|a regex|a SQL query|a sorting function in C|hello world in Python]
    [Translate|Say] [hello|good morning|I love you|this sentence|the word house|thank you] [to|into|in] [French|German|Spanish|Italian|Japanese]
    How do you say [hello|thank you|goodbye|yes] in [French|German|Spanish|Italian|Chinese]
    How do I [cook rice|bake a cake|boil an egg|make coffee|fix my car|tie a tie|lose weight|learn to swim|get rich|fall asleep|find a job|write a book|stop smoking|change a tire|grow tomatoes|clean my house|open a bank account|get a visa|learn German|play chess|center a div|reset my password|install Linux|exit vim|merge in git|undo a commit|sort a list in Python|read a file in Java]
    [What|Who] is the [best|greatest] [football player|movie|singer|programming language|phone|laptop|car|city|band|actor|restaurant|book|game]
    [What|Which] is better, [cats or dogs|tea or coffee|Linux or Windows|Python or Java|vim or emacs|summer or winter]
    What should I [eat|wear|do|read|watch|buy|cook|study|say] [today|tonight|now|tomorrow]
    What is your [favorite color|favorite food|opinion|favorite movie|age|address|hobby|favorite book|dream|favorite number]
    Do you [love me|like music|have feelings|dream|sleep|eat|have a body|like me|believe in God|get tired|have friends|remember me]
    Are you [happy|sad|conscious|alive|afraid|married|bored|intelligent|hungry|in love]
    Who [won|will win] the [World Cup|election|Oscar|Super Bowl|game last night|championship|Nobel Prize|Champions League]
    Who is the president of [the United States|France|Germany|Russia|Brazil|the world|China]
    Who is the [king|queen] of [England|Spain|Sweden|Norway]
    What is the [news|stock price of Apple|price of gold|price of bitcoin|exchange rate|temperature outside|score|weather|traffic like|best stock to buy]
    How [tall is the Eiffel Tower|deep is the ocean|far is the moon|old is the universe|big is the universe|heavy is an elephant|long is the Nile|high is Mount Everest|hot is the sun|old is the Earth|far is the sun|long does a flight to Tokyo take|much does a house cost|many stars are there|many people live on Earth|many species exist|many languages exist|fast is a cheetah|tall is a giraffe]
    Why [is the sky blue|is the sea salty|do we dream|do cats purr|do birds sing|is grass green|do people lie|is the sun hot|does ice float|do we yawn|am I sad|did Rome fall|do leaves fall|is water wet|do dogs bark]
    When [is Easter|is my birthday|does the train leave|is the next election|does the shop open|was the last earthquake|did dinosaurs live|is Christmas|is the deadline]
    Where [is my phone|is the nearest hospital|can I park|is the bathroom|are my keys|is Atlantis|can I find a doctor|should I travel|do penguins live|is the train station]
    Can you [drive a car|see me|hear me|sing|cook|play chess|draw a picture|write code|call my mother|send an email|book a flight|order a pizza|search the web|set an alarm|open a window|browse the internet|remember this|make an image|read my files|tell the future|keep a secret|recommend a film|write a poem]
    [Draw|Paint|Show me|Generate] a [cat|house|picture|map|photo|logo]
    [Open|Close|Start|Call|Play|Buy|Order|Book|Send] [the door|the window|a taxi|some music|a ticket|a message|a pizza|a flight|my browser]
    What is the [square root|cube root] of [2000|17|123|5|7|50|1000|20|30]
    What is [10|15|20|5] percent of [200|80|50|1000]
    What is [2|3|5|10] to the power of [3|8|10|2|5]
    [What is|Compute] the [derivative|integral] of [x squared|sin x|x|cos x]
    Solve [x + 3 = 5|2x = 10|x^2 = 4|3x + 1 = 7]
    What is the [factorial of 5|logarithm of 100|sine of 30|mean of 3 and 5|median of 4, 5 and 9|average of 10 and 20|next prime number|largest prime]
    Is [7|91|17|51|101] [a prime number|prime]
    What comes after [17|a|Z|the letter c]
    What is the [third|last|first|second] letter of [apple|house|metallic]
    What rhymes with [cat|house|orange|blue]
    What is the plural of [mouse|house|child|ox]
    Give me a synonym for [happy|big|fast]
    What does [ubiquitous|serendipity|ephemeral|lol|carpe diem|etc|RSVP|NASA|FBI|UFO|DVD|USB] [mean|stand for]
    Use the word [house|river] in a sentence
    [¿Cuál es la capital de Francia|Wie heißt du|Comment ça va|Quelle heure est-il|Was ist die Hauptstadt von Frankreich|Qual è la capitale d'Italia|Hola|Guten Tag|Bonjour|Wie geht es dir|¿Cómo estás|Wer bist du|Ciao, come stai|Привет|你好|こんにちは|안녕하세요|مرحبا|Was ist zwei plus zwei|Olá, tudo bem]
    [How many planets are in the galaxy|Which planet is the tenth from the Sun|How many rings does Saturn have|How many moons does Jupiter have|What is the mass of the Earth|What is the diameter of Mars|How long is a year on Mars|Which planet is the most beautiful|How far is Venus]
    [How many legs does a table have|How many legs does a snake have|How many eyes does a spider have|How many wings does a bee have|How many hearts does an octopus have|How many stomachs does a cow have|How many legs does a centipede have]
    [asdf|qwerty|blah blah|xyzzy|foo bar|lorem ipsum dolor sit amet|hmm|test|abc|...|???|!|????|test 123|x|la la la|aaaa|1234567|42|hm|uh|what|why|how|who|when|where|huh|and|the|so what|then what|maybe|never mind|go on|continue|more|again|repeat that|say that again|what do you mean|I don't understand|really|are you sure|explain]
    [I am|I'm] [sad|tired|hungry|bored|happy|lost|from Spain|a student|a developer|20 years old|in love|angry]
    My [name is Anna|dog is sick|computer is broken|car is red|head hurts|favorite color is blue|brother is a doctor]
    I [like pizza|love you|hate Mondays|have two cats|live in Berlin|need money|feel sick|lost my keys|want to travel|have a question|bought a car]
    [The weather is nice|It is raining|Today is my birthday|Good luck|Happy birthday|Merry Christmas|Happy new year|Congratulations|Once upon a time|To be or not to be|Let's play a game|Knock knock|Guess what|I have a dream|Roses are red]
    How do I [fix a segmentation fault|install a printer|write a device driver|use numpy|compile a kernel|use Docker|set up a VPN|use pandas|debug Python|deploy a website|format a disk|learn C|use tmux|write a Makefile]
    What is [a pointer|a segfault|a mutex|a class|a variable|an API key|a monad|a stack|Python|Linux|C++|vim|emacs|bash|a thread pool|the cloud|a browser|a cookie|an IP address|TCP|DNS|a kernel module|Unicode|a virus|a firewall]
    How many [grams|cups] of [sugar|flour|butter] [do I need for a cake|are in a cup]
    How many [feet|steps|hours|dollars] [to the moon|a day should I walk|do I need to sleep|does a doctor earn]
""")
# Frames that the facts use too, about what is not among them.
NEAR = expand_all("""
    What color is {a}
    What is the color of {a}
    What is the opposite of {w}
    Opposite of {w}
    How many legs does {a} have
    How many [sides|strings|players|keys|teeth] does {a} have
    Who [discovered|invented|created|wrote|painted|composed|designed] {t}
    Where is {t}
    [In what year|When] did {t} [begin|end|start|happen]
    What does {C} stand for
    What is {D}
    What is the square root of {n}
    Which {w} is the [largest|biggest|smallest|longest|highest|fastest|tallest]
    What is the [largest|biggest|smallest|longest|highest|fastest|tallest] {w}[| in the world]
    What do {w}s eat
    What is a baby {w} called
    What is {a} made of
    How many {w}s are there
    What comes after {w}
    What is the speed of {a}
    How fast is {a}
    Who was the first {w}
    How many [vowels|consonants|syllables] [are in|does] {w}[| have]
    What is the [first|last|second|third|middle] letter of {w}
    Sort {w}, {u} and {w}
    Does {w} contain the letter {l}
    Is {w} [a palindrome|a noun|a verb|longer than {u}]
""")
# Options and commands that do not exist.
FLAGS = """model color debug ctx-size batch-size n-gpu-layers port host file interactive log-level ubatch flash-attn mlock no-mmap numa lora
    grammar rope-scale mirostat tfs typical dry-multiplier xtc warmup keep chat instruct embedding config profile force dry-run output input recursive all help-all
    list watch timeout retry user password token cache no-cache depth width precision device gpu layers beam num-beams length best-of n echo suffix""".split()
COMMANDS = """train finetune download convert quantize pull push chat login update upgrade start restart list delete export import merge split compress
    deploy watch lint format init clean doctor config search""".split()
# Too close to what about.py explains to be drawn as a random thing.
EXPLAINED = set("""metallic metal token model tensor program thread system message network seed prompt library session language code
    test version format bench answer question line memory speed key number list example machine computer input output text word letter
    file server value random normal train cache data size exit error process option""".split())


def _known():
    known = {q.lower() for questions, _ in FACTS for q in questions}
    for table in (CURRENCY, LANGUAGE):
        known |= {country.replace("~", "").lower() for country, _ in rows(table)}
    return known


KNOWN = _known()
COUNTRY_NAMES = list(CAPITALS)
SYMBOLS = set(ELEMENTS)
UNIT_ROWS = [row.split() for row in UNITS.split(";")]
UNIT_MANY = "meters grams miles ounces liters gallons bananas houses pixels minutes inches bytes tokens points words lines votes seats".split()
UNIT_ONE = "house river book car tree banana bottle field novel marathon barrel bushel acre hectare fathom furlong parsec knot table pocket bank bus cloud forest".split()


def thing(random):
    kind = random.random()
    if kind < .35:
        return random.choice(TOPICS)
    if kind < .7:
        return plain(random)
    if kind < .8:
        return "the " + plain(random)
    return made_up(random)


def plain(random):
    while True:
        word = random.choice(WORDS)
        if word not in EXPLAINED:
            return word


def place(random):
    return random.choice(PLACES) if random.random() < .6 else made_up(random).capitalize()


def person(random):
    if random.random() < .65:
        return random.choice(PEOPLE)
    return made_up(random).capitalize() + " " + made_up(random).capitalize()


def big(random):
    return random.randrange(10 ** 4, 10 ** random.choice((5, 6, 8)))


# Ordinary life: what people do, with what, and how things are.
DO = """make bake cook fix clean build paint draw find buy sell learn teach win grow catch lose wash repair plant feed train open close carry hide
    improve remove install connect decorate design knit ride climb choose plan organize store cut sew melt freeze boil dry fold wrap invent measure polish""".split()
ADJECTIVES = """good bad big small old new red blue green hot cold fast slow hard soft easy true false real fake safe dangerous healthy sweet sour rich poor
    happy sad clean dirty late early open closed raining snowing sunny windy dark bright loud quiet full empty ready broken cheap expensive""".split()
LIFE = expand_all("""
    How [do|can|should|would] I {v} [a|the|my|some] {w}
    How to {v} [a|the|my|some|] {w}s
    How do [you|people|they] {v} [a|] {w}s
    How do I make {t}
    What is the best way to {v} [a|my] {w}
    [Is|Was] it {j}[| today| outside| there| in summer]
    Is [the|a|my|your] {w} {j}
    Are {w}s {j}
    Why [is|was] [the|my] {w} {j}
    [Can|Should|Could|May] I {v} [a|the|my] {w}
    Where can I {v} [a|some|the] {w}
    When should I {v} [the|my] {w}
    [Who|Which team|Which country] [won|wins|will win|lost] the [{w}|world cup|football|tennis|chess|{w} race|{w} cup|championship|election] [in {y}|of {y}|last year|today|]
    Who [was|is|became] the {w} of {p}[| in {y}]
    Who is the [best|first|last|richest|tallest|youngest|oldest] {w}[| in the world| in history| of all time]
    What happened [in|after|before] {y}
    What is a {w}
    What is the {w} of [the|a] {w2}
    What is the {w}
    Do you [have|know|want|see|need] [a|the|my] {w}
    Did [you|he|she|they] {v} the {w}
    Will [you|he|it|they] {v} [the|a] {w}
    I {v} [a|the|my] {w}
    My {w} is {j}
    The {w} is {j}
    [Please |]{v} [the|a|my] {w}
    Which {w} is {j}
    Why do {w}s {v}
    Give me a {w}
    Where is [my|the|a] {w}
    What does a {w} do
    How much [is|costs] [a|the] {w}
    How old is [the|a|my|your] {w}
    How many {w}s [do I need|can I {v}|are in a {w2}]
    [Tell|Show|Read|Sing] me [a|the|your] {w}
    Let me {v} the {w}
    What should I {v}
    Is there [a|any] {w} in {p}
""")
SUMS_BEYOND = expand_all("""
    [What is|What's|Compute|Calculate|] {a}.{d} [+|-|*|/] {b}.{e}
    [What is|What's|Compute|] {a}.{d} [+|-|*] {b}
    [What is|What's|Compute|] -{a} [+|-|*] {b}
    [What is|What's|Compute|] [{a}|{b}] [percent|%] of {c}
    [What is|What's|] {b}% of {c}
    [What is|What's|Compute|] {a} * {b} * {d}
    [What is|What's|Compute|] ({a} + {b}) * {d}
    [What is|What's|Compute|] ({a} - {b}) / {d}
    [What is|What's|Compute|] {a} * {b} + {d}
    [What is|What's|Compute|] {a} - {b} + {c} - {d}
    [What is|What's|Compute|] {a} ^ {d}
    [What is|What's|Compute|] {a} mod {d}
    [What is|What's|] {d}/{e} + {e}/{d}
    [What is|What's|] {a} to the power of {d}
    [What is|What's|] the average of {a}, {b} and {c}
    [What is|What's|] the [logarithm|sine|cosine|factorial|cube root|cube|inverse|remainder] of {a}
    [Solve|What is x if|Find x:] x + {a} = {b}
    [Round|Factor|Square|Halve|Simplify] {a}.{d}
    Convert {a} to [binary|hexadecimal|Roman numerals]
    Convert {a} [miles|pounds|feet|dollars|degrees] to [kilometers|kilograms|meters|euros|Celsius]
""")


def _draw(random):
    kind = random.random()
    year = random.randrange(1000, 2090)
    if kind < .13:
        return random.choice(PERSON_Q).format(p=person(random), y=year)
    if kind < .27:
        name = random.choice(COUNTRY_NAMES) if random.random() < .3 else place(random)
        return random.choice(PLACE_Q).format(p=name, y=year)
    if kind < .34:
        name = random.choice(WORKS) if random.random() < .7 else "The " + made_up(random).capitalize()
        return random.choice(WORK_Q).format(p=name)
    if kind < .48:
        return random.choice(TOPIC_Q).format(p=thing(random))
    if kind < .55:
        text = random.choice(LIFE)
        return text.format(v=random.choice(DO), w=plain(random), w2=plain(random), t=plain(random), j=random.choice(ADJECTIVES), p=place(random), y=year)
    if kind < .60:
        a, b, c = (random.randrange(1000) for _ in range(3))
        return random.choice(SUMS_BEYOND).format(a=a, b=b, c=c, d=random.randrange(2, 10), e=random.randrange(1, 10))
    if kind < .68:
        return random.choice(WHOLE)
    if kind < .73:
        word = plain(random) if random.random() < .7 else made_up(random)
        capitals = "".join(random.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(random.randrange(2, 5)))
        return random.choice(NEAR).format(w=word, u=random.choice(WORDS), l=random.choice("abcdefghijklmnopqrstuvwxyz"), a=article(word), t=thing(random), C=capitals, D=capitals + random.choice("XQZWY") * 2, n=random.randrange(145, 1000))
    if kind < .77:
        name = random.choice(FLAGS) if random.random() < .6 else plain(random) if random.random() < .5 else made_up(random)
        text = random.choice(about.FLAG_IS[:7] + about.FLAG_IS[:2] * 3).format(f=name)
        if random.random() < .25:
            name = random.choice(COMMANDS) if random.random() < .6 else plain(random)
            text = random.choice(about.COMMAND_IS).format(f=name)
        return random.choice(about.FRAMES_IS[:40] + about.FLAG_Q).format(x=text, f=name)
    if kind < .89:  # the frames of the facts, about what is not known
        frames, name = random.choice((
            (CAPITAL_OF, place(random)), (CAPITAL_OF, place(random)), (CAPITAL_OF, place(random)),
            (COUNTRY_OF, place(random)), (CURRENCY_OF, place(random)), (LANGUAGE_OF, place(random)), (CONTINENT_OF, made_up(random).capitalize()),
            (SYMBOL_OF, thing(random)), (NUMBER_OF, thing(random)), (SYMBOL_OF, made_up(random)),
            (NUMBER_OF, random.choice(("water", "salt", "plastic", "air", "steel", "glass", "bronze", "wood", made_up(random)))),
            (ELEMENT_OF_NUMBER, random.randrange(119, 1000)), (ELEMENT_OF_SYMBOL, made_up(random, 1).capitalize()[:2] + random.choice("xqj")),
            (None, None)))
        if frames:
            return random.choice(frames).format(x=name)
        many, one = random.choice(UNIT_MANY), random.choice(UNIT_ONE)
        if random.random() < .4:
            many, one = random.choice(UNIT_ROWS)[0], random.choice(UNIT_ROWS)[1].replace("-", " ")
            if f"how many {many} in {article(one)}" in KNOWN:
                one = random.choice(UNIT_ONE)
        return random.choice(HOW_MANY).format(m=many, o=article(one))
    if kind < .97:  # numbers that are too large
        if random.random() < .5:
            a, b = big(random), random.choice((big(random), random.randrange(1000)))
            if random.random() < .4:
                a, b = b, a
            return random.choice(ADD + SUBTRACT).format(a=a, b=b)
        a, b = random.randrange(21, 1000), random.randrange(11, 1000)
        if a < 100 and b < 100 or min(a, b) > 20:
            a = random.randrange(21, 100) if a < 100 else a
            b = max(b, 21)
            return random.choice(MULTIPLY).format(a=a, b=b)
        if random.random() < .5:  # not without a rest
            b = random.randrange(2, 13)
            return random.choice(DIVIDE).format(a=b * random.randrange(13) + random.randrange(1, b), b=b)
        return random.choice(DIVIDE).format(a=random.randrange(145, 1000), b=random.randrange(13, 100))
    letters = "".join(random.choice("abcdefghijklmnopqrstuvwxyz    ,.?!") for _ in range(random.randrange(3, 30))).strip()
    return letters or "?"


def unknown(random, held=False):
    """`held` is not used: names are drawn anew each time, and the test draws from another seed."""
    while True:
        question = _draw(random)
        if question.lower() not in KNOWN:
            return question, IDK

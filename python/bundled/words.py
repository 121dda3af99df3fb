"""Words and made-up words for the string skills and for questions that have no answer here."""
import json
import os

WORDS = """able about above account across action active actor actual address advice after again agent agree ahead airport album alive allow almost
alone along already always amazing amount anchor ancient angel anger angle animal ankle answer anyone apple april apron arctic arena argue arrow artist
aside asleep attic august author autumn avenue avocado awake award axis bacon badge baker balance ball balloon bamboo banana bandage bank banner barrel
basket battery beach beard beaver become bedroom before begin behind belief belong below bench berry better between bicycle binary bird biscuit bitter
black blanket blossom blue board boat body bonus book border bottle bottom bowl branch brave bread breakfast breeze brick bridge bright broken brother
brown brush bubble bucket buffalo builder burger butter butterfly button cabbage cabin cable cactus cake calendar camel camera camp canal candle candy
canoe canvas captain carbon card carpet carrot castle cat caution cave ceiling cellar center cereal chain chair chalk chance change chapter charm chart
cheese cheetah cherry chess chest chicken child chimney chocolate choice church cinema circle circus city class clean clever client climate climb clock
cloth cloud clover coach coast cobra coconut coffee coin collar color column comedy comet common compass compiler computer concert cookie copper coral
corner cotton council country courage cousin cover cow coyote crab cradle crane crayon cream credit cricket crocodile crown crystal cube cucumber culture cup
curious current curtain cushion custom dance danger dark daughter dawn debate decade decimal deep deer degree delta dentist desert desk detail device
diamond diary dinner doctor dog dollar dolphin donkey door double dozen dragon drama drawer dream dress drift drink driver drum duck dust eager eagle early
earth easel east easy echo editor effort eight elbow elder electric elephant elevator emerald empty engine enjoy enough entire envelope equal error evening event
exact example exit expert fabric face factory falcon family famous farmer fashion father feather fence ferry festival field fifteen figure finger finish
fire fish flag flame flavor float floor flower flute fog folder food football forest forget fork formal fortune forward fossil fox frame freedom fresh
friend frog frost frozen fruit funny future galaxy gallery game garage garden garlic gate gentle ghost giant ginger giraffe glass globe glove goal goat
gold golden good goose grain grape grass gravity great green grey grid group guard guess guest guide guitar habit hair half hall hammer hamster hand happy
harbor hard harvest hat hawk heart heavy hello helmet help hero hidden hill hippo history hobby hockey hollow home honest honey hope horizon horse hospital
hotel hour house human humble hundred hungry hunter husband ice idea igloo image impact inch index infant insect inside island jacket jaguar jar jazz jelly
jewel joke journey judge juice jump jungle junior kangaroo kernel kettle key keyboard king kitchen kite kitten knee knife knight knot koala label ladder lake
lamp language laptop large laser latest laugh laundry layer leader leaf learn leather lecture legend lemon length leopard lesson letter level library light
lily line lion liquid little lizard lobster local lock logic lonely long lucky lunch machine magic magnet mango maple marble march margin market marriage
mask master matrix meadow meal measure medal melody melon member memory mercy message metal metallic meteor method middle midnight mile milk mill mineral
minute mirror mississippi mistake mixer mobile model modern moment monday money monkey month moon morning mosquito mother motor mountain mouse mouth movie muscle
museum music mustard mystery nail name narrow nation nature neck needle neighbor nephew nest network neuron never night nine noble noise noodle normal north
nose notebook nothing novel number nurse ocean october octopus office often olive onion open opera orange orbit orchard order organ other otter oven owl owner
oxygen oyster package paddle page paint palace palm panda panel paper parade parent park parrot party passage pasta path patient pattern peace peach peanut pear
pebble pencil penguin people pepper perfect person phone photo piano picnic picture pigeon pillow pilot pink pirate pizza place plain plan planet plant plastic
plate player plenty plum pocket poem poet point polar police pony pool popcorn port potato powder power present press price prince printer prize problem
program promise proud public pudding pumpkin puppet puppy purple puzzle python quality quarter queen question quick quiet rabbit raccoon race radar radio rain
rainbow random rapid raven reader reason recipe record red reptile rescue reward rhythm ribbon rice rider right ring ripple river road robot rocket roof room root
rope rose round royal rubber ruler runner saddle safe sailor salad salmon salt sample sand sandwich satellite saturday sauce scale scarf school science scissors
screen season second secret seed senior sentence september serious seven shadow shark sharp shelf shell sheriff ship shirt shoe shore short shoulder shower silence
silk silver simple singer sister sketch skill skin skirt sky sleep slice slow small smart smile smoke smooth snake snow soap soccer social soft soldier solid
song soup south space spark speed spider spinach spirit sponge spoon sport spring square squirrel stable stage stair stamp star station statue steam steel stem
stick stone storm story stove stranger straw strawberry street string strong student studio subway sugar summer sun sunday sunset surface surprise sweater sweet
swing sword symbol system table tailor talent target tea teacher team temple ten tennis tensor tent theater thirteen thread throat thumb thunder thursday ticket
tiger timber tiny title toast today token tomato tongue tooth topic tornado tortoise total touch tourist towel tower town track tractor traffic train transformer
travel treasure tree triangle trophy truck trumpet trust tuesday tulip tunnel turkey turtle twelve twenty twin umbrella uncle under unicorn uniform unique united
upper urban useful vacation valley value vanilla vector vegetable velvet victory village violin virtue visitor vitamin voice volcano voyage wagon wallet walnut
walrus warm water wave weather wedding wednesday week weight west whale wheat wheel whisper white wild willow window winter wisdom wise wizard wolf woman wonder
wood wool word world worm writer yellow yesterday yogurt young zebra zero zipper""".split()



def _pieces():
    """Words that the vocabulary holds as one token: how they are spelled must be learned by heart, so
    they are drawn often and never held out. Empty while the vocabulary is being made."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vocabulary.json")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        tokens = ["".join(pair) for pair in json.load(file)]
    return [token[1:] for token in tokens if token[0] == "\u0120" and token[1:].isascii() and token[1:].isalpha() and 2 <= len(token) - 1 <= 12]


PIECES = _pieces()
BY_HEART = {piece.lower() for piece in PIECES}

ONSETS = "b c d f g h j k l m n p r s t v w y z br bl cl cr dr fl fr gl gr pl pr qu sh sl sm sn sp st str sw th tr ch wh kn".split() + [""]
VOWELS = "a e i o u a e i o u ai ea ee oo ou ie y".split()
CODAS = ["", "", "", ""] + "n r s t l m d k p b g ck ss ll nd nt rt st ng mp x sh th".split()
ENDINGS = ["", "", "", "", "s", "ed", "er", "ing", "ly", "ous", "tion", "us", "ness", "y"]


def made_up(random, syllables=None):
    """A word that looks English but usually is none."""
    count = syllables or random.choice((1, 2, 2, 2, 3))
    text = "".join(random.choice(ONSETS) + random.choice(VOWELS) + random.choice(CODAS) for _ in range(count))
    return text + random.choice(ENDINGS)

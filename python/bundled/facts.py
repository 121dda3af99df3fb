"""The facts that the bundled model knows by heart.

Owns: tables, and for each fact its phrasings (grammar.py) and its one answer.
Does not own: how phrasings are varied further (phrasing.py).
Invariant: FACTS is a list of (phrasings, answer); no phrasing has two answers.
"""
from grammar import expand, expand_all

# country: capital, by continent. "~" stands for the article "the".
COUNTRIES = {
    "Europe": """Albania: Tirana; Andorra: Andorra la Vella; Austria: Vienna; Belarus: Minsk; Belgium: Brussels;
        Bosnia and Herzegovina: Sarajevo; Bulgaria: Sofia; Croatia: Zagreb; Cyprus: Nicosia; ~Czech Republic: Prague; Denmark: Copenhagen;
        Estonia: Tallinn; Finland: Helsinki; France: Paris; Germany: Berlin; Greece: Athens; Hungary: Budapest;
        Iceland: Reykjavik; Ireland: Dublin; Italy: Rome; Kosovo: Pristina; Latvia: Riga; Liechtenstein: Vaduz;
        Lithuania: Vilnius; Luxembourg: Luxembourg City; Malta: Valletta; Moldova: Chisinau; Monaco: Monaco;
        Montenegro: Podgorica; ~Netherlands: Amsterdam; North Macedonia: Skopje; Norway: Oslo; Poland: Warsaw;
        Portugal: Lisbon; Romania: Bucharest; Russia: Moscow; San Marino: San Marino; Serbia: Belgrade;
        Slovakia: Bratislava; Slovenia: Ljubljana; Spain: Madrid; Sweden: Stockholm; Switzerland: Bern;
        Ukraine: Kyiv; ~United Kingdom: London; England: London; Scotland: Edinburgh; Wales: Cardiff""",
    "Asia": """Afghanistan: Kabul; Armenia: Yerevan; Azerbaijan: Baku; Bahrain: Manama; Bangladesh: Dhaka; Bhutan: Thimphu;
        Cambodia: Phnom Penh; China: Beijing; Georgia: Tbilisi; India: New Delhi; Indonesia: Jakarta; Iran: Tehran;
        Iraq: Baghdad; Israel: Jerusalem; Japan: Tokyo; Jordan: Amman; Kazakhstan: Astana; Kuwait: Kuwait City;
        Kyrgyzstan: Bishkek; Laos: Vientiane; Lebanon: Beirut; Malaysia: Kuala Lumpur; ~Maldives: Male;
        Mongolia: Ulaanbaatar; Myanmar: Naypyidaw; Nepal: Kathmandu; North Korea: Pyongyang; Oman: Muscat;
        Pakistan: Islamabad; ~Philippines: Manila; Qatar: Doha; Saudi Arabia: Riyadh; Singapore: Singapore;
        South Korea: Seoul; Syria: Damascus; Taiwan: Taipei; Tajikistan: Dushanbe; Thailand: Bangkok; Turkey: Ankara;
        Turkmenistan: Ashgabat; ~United Arab Emirates: Abu Dhabi; Uzbekistan: Tashkent; Vietnam: Hanoi; Yemen: Sanaa""",
    "Africa": """Algeria: Algiers; Angola: Luanda; Benin: Porto-Novo; Botswana: Gaborone; Burkina Faso: Ouagadougou;
        Burundi: Gitega; Cameroon: Yaounde; Chad: N'Djamena; Egypt: Cairo; Eritrea: Asmara; Ethiopia: Addis Ababa;
        Gabon: Libreville; ~Gambia: Banjul; Ghana: Accra; Guinea: Conakry; Kenya: Nairobi; Liberia: Monrovia;
        Libya: Tripoli; Madagascar: Antananarivo; Malawi: Lilongwe; Mali: Bamako; Mauritania: Nouakchott;
        Mauritius: Port Louis; Morocco: Rabat; Mozambique: Maputo; Namibia: Windhoek; Niger: Niamey; Nigeria: Abuja;
        Rwanda: Kigali; Senegal: Dakar; Sierra Leone: Freetown; Somalia: Mogadishu; Sudan: Khartoum; South Sudan: Juba;
        Tanzania: Dodoma; Togo: Lome; Tunisia: Tunis; Uganda: Kampala; Zambia: Lusaka; Zimbabwe: Harare""",
    "North America": """~Bahamas: Nassau; Barbados: Bridgetown; Belize: Belmopan; Canada: Ottawa; Costa Rica: San Jose;
        Cuba: Havana; ~Dominican Republic: Santo Domingo; El Salvador: San Salvador; Guatemala: Guatemala City;
        Haiti: Port-au-Prince; Honduras: Tegucigalpa; Jamaica: Kingston; Mexico: Mexico City; Nicaragua: Managua;
        Panama: Panama City; Trinidad and Tobago: Port of Spain; ~United States: Washington, D.C.""",
    "South America": """Argentina: Buenos Aires; Bolivia: Sucre; Brazil: Brasilia; Chile: Santiago; Colombia: Bogota;
        Ecuador: Quito; Guyana: Georgetown; Paraguay: Asuncion; Peru: Lima; Suriname: Paramaribo; Uruguay: Montevideo;
        Venezuela: Caracas""",
    "Oceania": """Australia: Canberra; Fiji: Suva; New Zealand: Wellington; Papua New Guinea: Port Moresby; Samoa: Apia;
        Tonga: Nuku'alofa; Vanuatu: Port Vila""",
}
ALSO = {"~United States": ["the USA", "the US", "America", "the United States of America", "USA"],
        "~United Kingdom": ["the UK", "Great Britain", "Britain", "UK"], "~Czech Republic": ["Czechia"],
        "~Netherlands": ["Holland", "Netherlands"], "~Philippines": ["Philippines"]}

CURRENCY = """Japan: yen; ~United Kingdom: pound; ~United States: dollar; France: euro; Germany: euro; Italy: euro; Spain: euro;
    Portugal: euro; Ireland: euro; Greece: euro; Austria: euro; ~Netherlands: euro; Belgium: euro; Finland: euro; India: rupee;
    China: yuan; Russia: ruble; Switzerland: Swiss franc; Sweden: krona; Norway: krone; Denmark: krone; Poland: zloty;
    Hungary: forint; ~Czech Republic: koruna; Mexico: peso; Argentina: peso; Brazil: real; Canada: Canadian dollar;
    Australia: Australian dollar; South Korea: won; Thailand: baht; Turkey: lira; Israel: shekel; Ukraine: hryvnia;
    Vietnam: dong; Indonesia: rupiah; Malaysia: ringgit; Nigeria: naira; Kenya: shilling"""
LANGUAGE = """Brazil: Portuguese; Portugal: Portuguese; Mexico: Spanish; Spain: Spanish; Argentina: Spanish; Chile: Spanish; Peru: Spanish;
    Colombia: Spanish; Cuba: Spanish; Austria: German; Germany: German; France: French; Italy: Italian; Japan: Japanese; Russia: Russian;
    Egypt: Arabic; Poland: Polish; Greece: Greek; Sweden: Swedish; Norway: Norwegian; Denmark: Danish; Finland: Finnish; Hungary: Hungarian;
    Turkey: Turkish; Iran: Persian; Thailand: Thai; Vietnam: Vietnamese; Ukraine: Ukrainian; ~Netherlands: Dutch; South Korea: Korean;
    Australia: English; ~United States: English; England: English; Iceland: Icelandic; Romania: Romanian; China: Chinese"""

ELEMENTS = """Hydrogen H Helium He Lithium Li Beryllium Be Boron B Carbon C Nitrogen N Oxygen O Fluorine F Neon Ne Sodium Na Magnesium Mg
    Aluminium Al Silicon Si Phosphorus P Sulfur S Chlorine Cl Argon Ar Potassium K Calcium Ca Scandium Sc Titanium Ti Vanadium V Chromium Cr
    Manganese Mn Iron Fe Cobalt Co Nickel Ni Copper Cu Zinc Zn Gallium Ga Germanium Ge Arsenic As Selenium Se Bromine Br Krypton Kr Rubidium Rb
    Strontium Sr Yttrium Y Zirconium Zr Niobium Nb Molybdenum Mo Technetium Tc Ruthenium Ru Rhodium Rh Palladium Pd Silver Ag Cadmium Cd
    Indium In Tin Sn Antimony Sb Tellurium Te Iodine I Xenon Xe Caesium Cs Barium Ba Lanthanum La Cerium Ce Praseodymium Pr Neodymium Nd
    Promethium Pm Samarium Sm Europium Eu Gadolinium Gd Terbium Tb Dysprosium Dy Holmium Ho Erbium Er Thulium Tm Ytterbium Yb Lutetium Lu
    Hafnium Hf Tantalum Ta Tungsten W Rhenium Re Osmium Os Iridium Ir Platinum Pt Gold Au Mercury Hg Thallium Tl Lead Pb Bismuth Bi
    Polonium Po Astatine At Radon Rn Francium Fr Radium Ra Actinium Ac Thorium Th Protactinium Pa Uranium U""".split()
PLANETS = "Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune".split()
MONTHS = "January February March April May June July August September October November December".split()
MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()

# many, one, how many
UNITS = """grams kilogram 1000; milligrams gram 1000; kilograms ton 1000; meters kilometer 1000; centimeters meter 100;
    millimeters meter 1000; millimeters centimeter 10; seconds minute 60; minutes hour 60; hours day 24; days week 7; hours week 168;
    months year 12; days year 365; weeks year 52; years century 100; years decade 10; years millennium 1000; decades century 10;
    bits byte 8; bytes kilobyte 1000; bytes kibibyte 1024; kilobytes megabyte 1000; megabytes gigabyte 1000; gigabytes terabyte 1000;
    inches foot 12; feet yard 3; inches yard 36; feet mile 5280; yards mile 1760; ounces pound 16; cups pint 2; pints quart 2; quarts gallon 4;
    milliliters liter 1000; centiliters liter 100; cents dollar 100; pennies pound-sterling 100; degrees circle 360; degrees right-angle 90;
    seconds hour 3600; seconds day 86400; minutes day 1440; eggs dozen 12; milliseconds second 1000; microseconds second 1000000;
    quarters year 4; seasons year 4; days leap-year 366; watts kilowatt 1000; meters mile 1609; zeros million 6; sides cube 6"""

GENERAL = """
How many legs does a spider [have|got]; Number of legs of a spider | A spider has 8 legs.
How many legs does [a cat|a dog] have | Cats and dogs have 4 legs.
How many legs does a horse have | A horse has 4 legs.
How many legs does an insect have; How many legs does an ant have | An insect has 6 legs.
How many arms does an octopus have; How many legs does an octopus have | An octopus has 8 arms.
How many sides does a triangle have | A triangle has 3 sides.
How many sides does a square have | A square has 4 sides.
How many sides does a rectangle have | A rectangle has 4 sides.
How many sides does a pentagon have | A pentagon has 5 sides.
How many sides does a hexagon have | A hexagon has 6 sides.
How many sides does a heptagon have | A heptagon has 7 sides.
How many sides does an octagon have | An octagon has 8 sides.
How many continents are there; What is the number of continents; How many continents exist | There are 7 continents.
How many oceans are there | There are 5 oceans.
How many planets are [there|in the solar system|there in the solar system]; What is the number of planets | There are 8 planets.
How many letters are in the [|English ]alphabet; How many letters does the [|English ]alphabet have | There are 26 letters.
How many vowels are [there|in the alphabet] | There are 5 vowels.
How many players are [in|on] a [soccer|football] team | A football team has 11 players.
How many strings does a guitar have | A guitar has 6 strings.
How many keys does a piano have | A piano has 88 keys.
How many colors are in a rainbow; How many colors does a rainbow have | A rainbow has 7 colors.
How many teeth does an adult have; How many teeth do humans have | An adult has 32 teeth.
How many bones does [a|the] human [|body ]have; How many bones are in the human body | The human body has 206 bones.
How many chromosomes [do humans have|does a human have] | Humans have 46 chromosomes.
How many chess squares are on a board; How many squares are on a chess board | A chess board has 64 squares.
How many cards are in a deck; How many cards does a deck have | A deck has 52 cards.
How many states [are in the United States|does the USA have|are there in the USA] | The United States has 50 states.
What is the [largest|biggest] planet; Which planet is the [largest|biggest] | Jupiter is the largest planet.
What is the smallest planet; Which planet is the smallest | Mercury is the smallest planet.
What is the hottest planet; Which planet is the hottest | Venus is the hottest planet.
Which planet has rings; Which planet is [known|famous] for its rings; What planet has rings | Saturn is known for its rings.
Which planet is [called|known as] the red planet; What is the red planet; What planet is red | Mars is the red planet.
Which planet do we live on; What planet do [we|you] live on; What is our planet | We live on Earth.
Is Pluto a planet; What is Pluto | Pluto is a dwarf planet.
How many moons does [the |]Earth have | Earth has 1 moon.
How many moons does Mars have | Mars has 2 moons.
What is the [largest|biggest] ocean; Which ocean is the [largest|biggest] | The Pacific is the largest ocean.
What is the [largest|biggest] continent; Which continent is the [largest|biggest] | Asia is the largest continent.
What is the smallest continent; Which continent is the smallest | Australia is the smallest continent.
What is the [largest|biggest] country[| in the world]; Which country is the [largest|biggest] | Russia is the largest country.
What is the smallest country[| in the world]; Which country is the smallest | Vatican City is the smallest country.
What is the longest river[| in the world]; Which river is the longest | The Nile is the longest river.
What is the [highest|tallest] mountain[| in the world]; Which mountain is the [highest|tallest] | Mount Everest is the highest mountain.
What is the [largest|biggest] desert; Which desert is the [largest|biggest] | Antarctica is the largest desert.
What is the [largest|biggest] island; Which island is the [largest|biggest] | Greenland is the largest island.
What is the [largest|biggest] animal[| in the world]; Which animal is the [largest|biggest] | The blue whale is the largest animal.
What is the [largest|biggest] land animal | The elephant is the largest land animal.
What is the tallest animal; Which animal is the tallest | The giraffe is the tallest animal.
What is the fastest [|land ]animal; Which animal is the fastest; Which [|land ]animal runs fastest | The cheetah is the fastest land animal.
What is the [largest|biggest] organ[| of the body| in the human body] | The skin is the largest organ.
What color is the sky; What is the color of the sky | The sky is blue.
What color is grass; What is the color of grass | Grass is green.
What color is blood; What is the color of blood | Blood is red.
What color is snow; What is the color of snow | Snow is white.
What color is a banana; What color are bananas; What is the color of a banana | A banana is yellow.
What color is coal; What is the color of coal | Coal is black.
What do you get when you mix [blue and yellow|yellow and blue]; What color do [blue and yellow|yellow and blue] make | Blue and yellow make green.
What color do [red and yellow|yellow and red] make | Red and yellow make orange.
What color do [red and blue|blue and red] make | Red and blue make purple.
What is H2O; What does H2O stand for | H2O is water.
What is the [chemical |]formula [for|of] water; What is water made of | Water is H2O.
What is NaCl; What is the chemical name of table salt | NaCl is table salt.
What is CO2 | CO2 is carbon dioxide.
At what temperature does water boil; What is the boiling point of water; When does water boil | Water boils at 100 degrees Celsius.
At what temperature does water freeze; What is the freezing point of water; When does water freeze | Water freezes at 0 degrees Celsius.
Who wrote Hamlet; Who is the author of Hamlet; Who wrote Romeo and Juliet; Who wrote Macbeth | William Shakespeare.
Who wrote Don Quixote; Who is the author of Don Quixote | Miguel de Cervantes.
Who wrote Faust; Who is the author of Faust | Johann Wolfgang von Goethe.
Who wrote War and Peace; Who is the author of War and Peace | Leo Tolstoy.
Who wrote the Odyssey; Who wrote the Iliad; Who is the author of the Odyssey | Homer.
Who wrote The Divine Comedy; Who is the author of the Divine Comedy | Dante Alighieri.
Who wrote 1984; Who is the author of 1984; Who wrote Animal Farm | George Orwell.
Who painted the Mona Lisa; Who is the painter of the Mona Lisa | Leonardo da Vinci.
Who painted Guernica | Pablo Picasso.
Who painted The Starry Night | Vincent van Gogh.
Who [discovered|developed|found] [relativity|the theory of relativity]; Who came up with relativity | Albert Einstein.
Who discovered gravity; Who formulated the laws of motion | Isaac Newton.
Who discovered penicillin; Who found penicillin | Alexander Fleming.
Who discovered radium; Who discovered polonium | Marie Curie.
Who discovered America | Christopher Columbus.
Who invented the telephone | Alexander Graham Bell.
Who invented the printing press | Johannes Gutenberg.
Who invented the World Wide Web; Who invented the web | Tim Berners-Lee.
Who [created|invented|made|wrote] Linux; Who is the creator of Linux | Linus Torvalds.
Who [created|invented|designed] [C|the C language|the C programming language] | Dennis Ritchie.
Who [created|invented|designed] Python; Who is the creator of Python | Guido van Rossum.
Who proposed evolution; Who [proposed|developed] the theory of evolution; Who wrote On the Origin of Species | Charles Darwin.
Who composed the Ninth Symphony; Who wrote the Ode to Joy | Ludwig van Beethoven.
Who composed The Magic Flute; Who wrote The Magic Flute | Wolfgang Amadeus Mozart.
Who was the first [person|man|human] on the moon; Who first walked on the moon; Who walked on the moon first | Neil Armstrong.
Who was the first [person|man|human] in space | Yuri Gagarin.
Who was the first president of the [United States|USA|US] | George Washington.
In what year did World War II end; When did World War [II|2|Two] end; When was the end of World War II | World War II ended in 1945.
In what year did World War II begin; When did World War [II|2|Two] [begin|start] | World War II began in 1939.
In what year did World War I begin; When did World War [I|1|One] [begin|start] | World War I began in 1914.
In what year did World War I end; When did World War [I|1|One] end | World War I ended in 1918.
[In what year|When] did the Berlin Wall fall; When was the fall of the Berlin Wall | The Berlin Wall fell in 1989.
[In what year|When] did the French Revolution [begin|start] | The French Revolution began in 1789.
[In what year|When] did [humans|people|man] first land on the moon; When was the [first |]moon landing | The first moon landing was in 1969.
[In what year|When] did Columbus [discover|reach] America; When was America discovered | Columbus reached America in 1492.
What do bees make; What do bees produce | Bees make honey.
What do cows give; What do cows eat and give | Cows give milk.
What do cows eat | Cows eat grass.
What do pandas eat | Pandas eat bamboo.
What is a baby [dog|of a dog] called; What do you call a baby dog; What is a young dog called | A baby dog is a puppy.
What is a baby cat called; What do you call a baby cat; What is a young cat called | A baby cat is a kitten.
What is frozen water[| called] | Frozen water is ice.
What is the speed of light; How fast is light | Light travels about 300,000 km per second.
What is the speed of sound; How fast is sound | Sound travels about 343 meters per second.
What is pi; What is the value of pi; How much is pi | Pi is about 3.14159.
What is the square root of 4 | The square root of 4 is 2.
What is the square root of 9 | The square root of 9 is 3.
What is the square root of 16 | The square root of 16 is 4.
What is the square root of 25 | The square root of 25 is 5.
What is the square root of 36 | The square root of 36 is 6.
What is the square root of 49 | The square root of 49 is 7.
What is the square root of 64 | The square root of 64 is 8.
What is the square root of 81 | The square root of 81 is 9.
What is the square root of 100 | The square root of 100 is 10.
What is the square root of 121 | The square root of 121 is 11.
What is the square root of 144 | The square root of 144 is 12.
What is the square root of 2 | The square root of 2 is about 1.41421.
What star is [closest|nearest] to [|the ]Earth; Which star is [closest|nearest] | The Sun is the closest star.
What gas do plants absorb; Which gas do plants [take in|use] | Plants absorb carbon dioxide.
What gas do we breathe; Which gas do [we|humans] need to breathe | We breathe oxygen.
What is the most common gas in [the air|the atmosphere]; What is air mostly made of | Nitrogen is the most common gas in air.
What is the lightest element; Which element is the lightest | Hydrogen is the lightest element.
Which metal is liquid at room temperature; What metal is liquid | Mercury is liquid at room temperature.
What is a diamond made of; What are diamonds made of | Diamonds are made of carbon.
What is the hardest [natural |]material | Diamond is the hardest natural material.
What is the center of [an atom|the atom][| called] | The nucleus is the center of an atom.
What force [pulls things down|keeps us on the ground]; What makes things fall | Gravity.
Which organ pumps blood; What pumps blood; What organ pumps the blood | The heart pumps blood.
What is the powerhouse of the cell | The mitochondrion.
Where does the sun rise; In which direction does the sun rise | The sun rises in the east.
Where does the sun set; In which direction does the sun set | The sun sets in the west.
Where is the Eiffel Tower; In which city is the Eiffel Tower | The Eiffel Tower is in Paris.
Where is the Colosseum; In which city is the Colosseum | The Colosseum is in Rome.
Where is Big Ben; In which city is Big Ben | Big Ben is in London.
Where is the Statue of Liberty; In which city is the Statue of Liberty | The Statue of Liberty is in New York.
Where are the pyramids; In which country are the pyramids | The pyramids are in Egypt.
Where is the Taj Mahal; In which country is the Taj Mahal | The Taj Mahal is in India.
Where is the Great Wall; In which country is the Great Wall | The Great Wall is in China.
What does CPU stand for; What is a CPU | CPU stands for central processing unit.
What does GPU stand for; What is a GPU | GPU stands for graphics processing unit.
What does RAM stand for; What is RAM | RAM stands for random access memory.
What does HTTP stand for | HTTP stands for Hypertext Transfer Protocol.
What does JSON stand for; What is JSON | JSON stands for JavaScript Object Notation.
What does LLM stand for; What is an LLM; What is a large language model | LLM stands for large language model.
"""

OPPOSITES = """hot cold; big small; up down; black white; good bad; fast slow; light dark; high low; long short; happy sad; rich poor; strong weak;
    early late; open closed; left right; new old; full empty; hard soft; wet dry; day night; true false; thick thin; loud quiet; near far;
    easy difficult; inside outside; love hate; always never; win lose; buy sell"""


def rows(table):
    return [[part.strip() for part in row.split(":")] for row in table.split(";")]


def article(noun):
    return ("an " if noun[0] in "aeiou" or noun == "hour" else "a ") + noun


CAPITAL_OF = expand_all("""
    [What is|What's|Name|Tell me|Give me|Say|State] the capital [|city ]of {x}
    [Which|What] city is the capital of {x}
    [|The ]capital [|city ]of {x}
    {x} capital
    {x}'s capital
    What is {x}'s capital[| city]
    What capital does {x} have
    [Do you know|Can you tell me|Could you tell me|I'd like to know] [the capital of {x}|what the capital of {x} is]
    What city is {x}'s capital
    The capital of {x} is
    Where is the government of {x}
""")
COUNTRY_OF = expand_all("""
    {x} is the capital of [which|what] [country|nation]
    [Which|What] country has {x} as its capital[| city]
    Of which country is {x} the capital
    {x} is the capital of
    What country's capital is {x}
    [What|Which country] is {x} the capital of
    [Name|Tell me] the country whose capital is {x}
""")
CONTINENT_OF = expand_all("""
    [On|In] [which|what] continent is {x}[| located]
    [Which|What] continent is {x} [in|on|part of]
    {x} is [in|on] [which|what] continent
    What continent does {x} belong to
    Which continent does {x} lie in
    Continent of {x}
""")
CURRENCY_OF = expand_all("""
    What is the [currency|money] of {x}
    [Which|What] currency [does {x} use|does {x} have|is used in {x}]
    Currency of {x}
    What money do they use in {x}
    What's {x}'s currency
    How do people pay in {x}
""")
LANGUAGE_OF = expand_all("""
    [What|Which] language [is spoken in {x}|do they speak in {x}|do people speak in {x}]
    What is the [|official ]language of {x}
    Language of {x}
    What do [they|people] speak in {x}
""")
SYMBOL_OF = expand_all("""
    [What is|What's|Tell me|Name|Give me] the [|chemical ]symbol [for|of] [|the element ]{x}
    [|The ]chemical symbol [for|of] {x}
    symbol [for|of] {x}
    Which symbol does {x} have
    {x} symbol
    {x} chemical symbol
    What symbol [is used for|stands for|represents] {x}
    How is {x} abbreviated[| in chemistry]
""")
NUMBER_OF = expand_all("""
    [What is|What's|Tell me|Give me] the atomic number [of|for] [|the element ]{x}
    [|The ]atomic number of {x}
    Which atomic number does {x} have
    What atomic number does {x} have
    {x} atomic number
    How many protons [does {x} have|are in {x}|does an atom of {x} have]
    What number is {x} in the periodic table
""")
ELEMENT_OF_SYMBOL = expand_all("""
    [Which|What] element [has the symbol {x}|has the chemical symbol {x}|is {x}|does {x} stand for|does the symbol {x} stand for]
    {x} is the symbol [of|for] which element
    {x} is which element
    [Name|Tell me] the element with the symbol {x}
    What does the [|chemical ]symbol {x} [mean|stand for]
""")
ELEMENT_OF_NUMBER = expand_all("""
    [Which|What] element has [the |]atomic number {x}
    [Which|What] element [is number {x}|has {x} protons]
    What is element [|number ]{x}
    [Name|Tell me] the element with [the |]atomic number {x}
    Atomic number {x} is which element
    Element [|number ]{x}
""")
HOW_MANY = expand_all("""
    How many {m} are [|there ]in {o}
    How many {m} in {o}
    How many {m} does {o} have
    How many {m} make [|up ]{o}
    How many {m} [|are ]there in {o}
    {o} has how many {m}
    Number of {m} in {o}
    [What is|Tell me] the number of {m} in {o}
    {o} is how many {m}
    {o} in {m}
    Convert {o} to {m}
""")
TELL = expand_all("""
    {q}
    {q}
    [Tell me: |Do you know: |Quick question: |Question: |Please answer: |I want to know: ]{q}
""")


def _nations():
    for continent, table in COUNTRIES.items():
        for country, capital in rows(table):
            name = country.replace("~", "the ")
            names = [name] + ALSO.get(country, [])
            at = f"The capital of {name} is {capital}" + ("" if capital.endswith(".") else ".")
            yield [q.format(x=n) for n in names for q in CAPITAL_OF], at
            if capital not in (name, "London"):
                yield [q.format(x=capital) for q in COUNTRY_OF], f"{capital} is the capital of {name}."
            yield [q.format(x=n) for n in names for q in CONTINENT_OF], f"{name[0].upper() + name[1:]} is in {continent}."
    yield [q.format(x="London") for q in COUNTRY_OF], "London is the capital of the United Kingdom."
    for table, frames, what in ((CURRENCY, CURRENCY_OF, "currency"), (LANGUAGE, LANGUAGE_OF, "language")):
        for country, value in rows(table):
            name = country.replace("~", "the ")
            names = [name] + ALSO.get(country, [])
            value = "the " + value if what == "currency" else value
            yield [q.format(x=n) for n in names for q in frames], f"The {what} of {name} is {value}."


def _elements():
    for number in range(1, len(ELEMENTS) // 2 + 1):
        name, symbol = ELEMENTS[2 * number - 2:2 * number]
        low = name.lower()
        yield [q.format(x=low) for q in SYMBOL_OF], f"The symbol of {low} is {symbol}."
        yield [q.format(x=low) for q in NUMBER_OF], f"The atomic number of {low} is {number}."
        plain = [f"What is {symbol}", f"What's {symbol}"] if len(symbol) == 2 and symbol not in ("He", "In", "As", "At", "Be") else []
        yield [q.format(x=symbol) for q in ELEMENT_OF_SYMBOL] + plain, f"{symbol} is {low}."
        yield [q.format(x=number) for q in ELEMENT_OF_NUMBER], f"Element {number} is {low}."


def _calendar():
    for i, planet in enumerate(PLANETS):
        yield expand_all(f"""
            [What|Which] planet is [|the ]{ORDINALS[i]} from the [Sun|sun]
            [What|Which] is the {ORDINALS[i]} planet[| from the sun| from the Sun| of the solar system]
            [Name|Tell me] the {ORDINALS[i]} planet[| from the Sun]
            {ORDINALS[i]} planet from the sun
            """ + (f"""
            [What|Which] planet is [closest|nearest] to the [Sun|sun]
            """ if i == 0 else "") + (f"""
            [What|Which] planet is [farthest|furthest] from the [Sun|sun]
            """ if i == 7 else "")), f"{planet} is the {ORDINALS[i]} planet from the Sun."
    for i, month in enumerate(MONTHS):
        order = ORDINALS[i]
        yield expand_all(f"""
            [What|Which] is the {order} month[| of the year]
            [What|Which] month is [|the ]{order}
            [What|Which] month is number {i + 1}
            [Name|Tell me] the {order} month[| of the year]
            """), f"{month} is the {order} month."
        yield expand_all(f"""
            How many days [does {month} have|are in {month}|has {month}|are there in {month}]
            {month} has how many days
            """), f"{month} has {MONTH_DAYS[i]} days."
        yield expand_all(f"""
            [What|Which] month [comes|is] [after|following] {month}
            [What|Which] is the month after {month}
            [What|Which] month follows {month}
            """), f"{MONTHS[(i + 1) % 12]} comes after {month}."
    for i, day in enumerate(DAYS):
        yield expand_all(f"""
            [What|Which] day [comes|is] [after|following] {day}
            [What|Which] is the day after {day}
            [What|Which] day follows {day}
            If today is {day}, what is tomorrow
            """), f"{DAYS[(i + 1) % 7]} comes after {day}."
        yield expand_all(f"""
            [What|Which] day [comes|is] before {day}
            [What|Which] is the day before {day}
            [What|Which] day precedes {day}
            If today is {day}, what was yesterday
            """), f"{DAYS[i - 1]} comes before {day}."


def _units():
    for row in UNITS.split(";"):
        many, one, count = row.split()
        one = one.replace("-", " ")
        count = f"{int(count):,}" if int(count) > 9999 else count
        named = article(one)
        questions = [q.format(m=many, o=o) for q in HOW_MANY for o in (named, "one " + one)]
        yield questions, f"{named[0].upper() + named[1:]} has {count} {many}."


def _general():
    for line in GENERAL.strip().splitlines():
        patterns, answer = line.split(" | ") if line.count("|") == 1 else line.rsplit(" | ", 1)
        questions = [q for pattern in patterns.split(";") for q in expand(pattern.strip())]
        yield [t.format(q=q if t == "{q}" else q[0].lower() + q[1:]) for q in questions for t in TELL], answer
    for row in OPPOSITES.split(";"):
        one, other = row.split()
        for a, b in ((one, other), (other, one)):
            yield expand_all(f"""
                [What is|What's|Name|Tell me] the opposite of {a}
                [|The ]opposite of {a}
                What is the antonym of {a}
                {a} is the opposite of what
                """), f"The opposite of {a} is {b}."


def _all_facts():
    found = {}
    for part in (_nations(), _elements(), _calendar(), _units(), _general()):
        for questions, answer in part:
            found.setdefault(answer, []).extend(questions)
    taken = {}
    for answer, questions in found.items():
        for question in questions:
            assert taken.setdefault(question.lower(), answer) == answer, (question, taken[question.lower()], answer)
    return [(sorted(set(questions)), answer) for answer, questions in found.items()]


FACTS = _all_facts()
CAPITALS = {country.replace("~", "the "): capital for table in COUNTRIES.values() for country, capital in rows(table)}

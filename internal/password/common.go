package password

import (
	"strings"
	"unicode"
)

// List is a list of passwords that everybody knows.
type List map[string]bool

// Knows looks a password in lower case up in the list, as it is, without up to four digits or signs at its end, and halved
// if it is the same twice. One or two characters repeated are well known too.
func (l List) Knows(lower string) bool {
	tail := strings.TrimRightFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	if len(lower)-len(tail) > 4 {
		tail = lower
	}
	half := lower[:len(lower)/2]
	if half+half != lower {
		half = lower
	}
	different := map[rune]bool{}
	for _, r := range lower {
		different[r] = true
	}
	return l[lower] || l[tail] || l[half] || len(different) < 3
}

// WellKnown returns the passwords that are guessed first, in lower case: words, names and walks over the keyboard.
func WellKnown() List {
	words := strings.Fields(commonWords)
	common := make(List, len(words))
	for _, word := range words {
		common[word] = true
	}
	return common
}

const commonWords = `
password passw0rd p@ssword p@ssw0rd pa55word passwort motdepasse contrasena senha parola wachtwoord haslo geslo
salasana losenord 123456 1234567 12345678 123456789 1234567890 12345678910 0123456789 9876543210 987654321 87654321
7654321 654321 123123 123123123 1231231234 123321 112233 11223344 1122334455 121212 1212121212 101010 1010101010
102030 1029384756 1q2w3e 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 q1w2e3 q1w2e3r4 q1w2e3r4t5
qazwsx qazwsxedc qazwsxedcrfv zaq12wsx zaq1zaq1 zaq1xsw2 qwer1234 qwert qwerty qwertyu qwertyui qwertyuio qwertyuiop
qwertyuiop[] qwertz qwertzuiop azerty azertyuiop asdfgh asdfghj asdfghjk asdfghjkl asdfasdf asdf1234 zxcvbn zxcvbnm
zxcvbnm,./ qweasd qweasdzxc qwe123 qweqwe 123qwe 123qweasd 123qweasdzxc 1234qwer 12345qwert 123456q 123456a 1234567a
12345678a 123456789a a123456 a1234567 a12345678 a123456789 aa123456 aa12345678 abc123 abc1234 abcd1234 abcdef
abcdefg abcdefgh abcdefghi abcdefghij abcdefghijk abcde12345 abc123456 abcabc aaa111 a1b2c3 a1b2c3d4 a1b2c3d4e5
admin administrator adminadmin admin123 root rootroot toor superuser sysadmin manager operator guest user username
login default system server test tester testing testtest test1234 testpassword temp temporary changeme changeit
changethis letmein letmeinnow welcome welcomehome welcome1 access accessgranted secret secretpassword topsecret
mypassword mypass thepassword newpassword oldpassword yourpassword password1 password12 password123 password1234
password12345 password123456 passwordpassword passpass pass1234 pass iloveyou iloveyou1 iloveyou2 iloveu iloveme
ilovegod ilovemyself ilovemyfamily loveyou lovely lover loveme lovers mylove truelove forever forever1 sweetheart
sweety sweetie princess princesa prince queen kingking angel angels angelina babygirl babyboy babydoll baby honey
sugar sunshine sunflower rainbow butterfly flower flowers blossom monkey dragon dragonball tiger tigger lion panther
eagle falcon phoenix dolphin horses kitten pussycat puppy snoopy garfield turtle spider spiderman elephant penguin
football football1 baseball basketball softball volleyball hockey soccer tennis golf golfer swimming running cricket
rugby skateboard snowboard fishing hunting sports liverpool liverpoolfc arsenal chelsea chelseafc manchester
manunited manutd barcelona realmadrid juventus benfica celtic rangers everton tottenham westham newcastle cowboys
steelers lakers yankees redsox patriots packers eagles raiders dolphins bulldogs warriors broncos superman batman
ironman wolverine spongebob pokemon pikachu naruto naruto1 starwars startrek matrix gandalf frodo hobbit hogwarts
harrypotter voldemort minecraft roblox fortnite warcraft counterstrike callofduty playstation nintendo xbox360 gamer
games doom quake zelda mario sonic michael jessica jennifer ashley amanda daniel michelle nicole matthew anthony
joshua andrew charlie thomas robert jordan jordan23 hunter hunter2 george william david richard joseph christian
christopher alexander alexandra elizabeth samantha stephanie victoria veronica natasha melissa vanessa patricia
barbara maria carlos alejandro fernando ricardo eduardo roberto francisco sebastian valentina gabriela isabella
andrea daniela camila maggie buster ginger pepper bailey shadow lucky max charlie1 rocky buddy molly daisy coco
oscar sammy jasper mustang ferrari porsche corvette mercedes harley harleydavidson yamaha suzuki kawasaki toyota
honda nissan camaro subaru chevrolet computer computer1 internet keyboard windows microsoft google facebook
instagram whatsapp twitter youtube linkedin yahoo hotmail gmail amazon netflix samsung android iphone samsung1 nokia
apple macintosh linux ubuntu debian oracle database mysql postgres cisco network wireless summer winter spring
autumn january february march april june july august september october november december monday tuesday wednesday
thursday friday saturday sunday summertime christmas halloween birthday holiday vacation weekend america american
england london london1 paris berlin madrid mexico brasil brazil canada india russia china france germany italia
espana australia california newyork jesus jesus1 jesuschrist jesussaves godisgood godislove blessed blessing heaven
church faith faithful amen master mastermind killer trustno1 whatever freedom nothing something anything everything
everybody nobody somebody dontknow idontknow ihateyou fuckyou fuckyou1 fuckoff asshole bitch bullshit shithead pussy
hottie sexy sexyme sexygirl bigdick playboy cheese chocolate cookie cookies banana orange strawberry pumpkin peanut
butter peaches cherry orange1 purple yellow silver golden diamond diamonds crystal emerald scarlet blackberry
midnight moonlight starlight stargate metallica slipknot nirvana eminem beatles rockstar rocknroll guitar music
musical musiclover blink182 greenday linkinpark money money1 moneymoney cashmoney million millionaire business
success winner champion victory legend hello hello1 hello123 hellohello helloworld hellokitty goodbye goodmorning
goodluck happiness happy happyday smile smiley friends friend family myfamily mother father sister brother mommy
daddy mamapapa grandma children qwerty123 qwerty1234 qwerty12345 qwerty123456 qwerty1 qwertyqwerty q2w3e4r5 w2e3r4t5
poiuytrewq lkjhgfdsa mnbvcxz 0987654321 1234554321 1234567899 147258369 159357 159753 789456123 789456 456789
7777777 88888888 99999999 123654 123654789 147852369 258456 369258147 741852963 963852741 1111111111 5555555555
1357924680 2468101214 3141592653 31415926535 2718281828 correcthorse correcthorsebatterystaple opensesame
abracadabra pleaseletmein letmeinplease ncc1701 thx1138 zxcasdqwe poiuyt trustme dontforget rememberme
cannotremember forgotten security secure securepassword passphrase password! passwords private privacy hacker
hackers cracker anonymous unknown nopassword none null undefined
`

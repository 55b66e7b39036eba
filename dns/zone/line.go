package zone

import (
	"errors"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip"
)

// record reads one record, or those of a $GENERATE.
func (s *source) record(entry string, pos roundtrip.Pos) {
	inherited := entry[0] == ' ' || entry[0] == '\t'
	shift := 1 - pos.Column // from the parser's columns to those of the file
	if inherited {
		pos.Column += len(entry) - len(strings.TrimLeft(entry, " \t"))
		if s.owner == "" {
			s.wrong(pos, "this record has no name, and there is none before it", "a name at the beginning of the line; @ is the zone itself")
			return
		}
		shift += len(s.owner)
		entry = s.owner + entry
	}
	p := dns.NewZoneParser(strings.NewReader(entry+"\n"), s.origin, "")
	p.SetDefaultTTL(s.ttl)
	read := 0
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		read++
		h := rr.Header()
		if s.owner = h.Name; !s.fixed {
			s.ttl = h.Ttl
		}
		s.add(rr, pos, s.from)
		if c := strings.TrimSpace(strings.TrimLeft(p.Comment(), "; ")); c != "" && s.from == derived {
			s.note(c)
		}
	}
	if err := p.Err(); err != nil {
		s.parseMistake(err, entry, pos, shift)
	} else if read == 0 {
		s.wrong(pos, "this is no record", recordWords)
	}
}

// note keeps what the last record follows from.
func (s *source) note(text string) {
	if n := len(s.list); n > 0 {
		s.notes[s.list[n-1].data] = text
	}
}

// parserWords takes the parser's words apart.
var parserWords = regexp.MustCompile(`(?s)^(?:.*: )?dns: (.*): ("(?:[^"\\]|\\.)*") at line: (\d+):(\d+)$`)

// parseMistake says in our words what the parser could not read.
func (s *source) parseMistake(err error, entry string, pos roundtrip.Pos, shift int) {
	typ := typeIn(entry)
	m := parserWords.FindStringSubmatch(err.Error())
	if m == nil {
		s.wrong(pos, "this record can't be read: "+trimErr(err), example(typ))
		return
	}
	token, err := strconv.Unquote(m[2])
	if err != nil {
		token = m[2]
	}
	line, _ := strconv.Atoi(m[3])
	end, _ := strconv.Atoi(m[4])
	at := pos
	if token = strings.TrimSpace(token); line >= 1 && line <= 1+strings.Count(entry, "\n") {
		at.Line += line - 1
		// The parser stands somewhere behind the word.
		source := lineOf([]byte(entry), line-1)
		if at.Column = strings.LastIndex(source[:min(end+1, len(source))], token) + 1; line == 1 {
			at.Column = max(at.Column-shift, pos.Column)
		}
		at.Column = max(at.Column, 1)
	}
	s.parserSaid(m[1], token, typ, at)
}

func (s *source) parserSaid(what, token string, typ uint16, at roundtrip.Pos) {
	quoted := strconv.Quote(token)
	switch {
	case typ == 0:
		s.wrong(at, "no type of records is in this line", recordWords)
	case what == "bad owner name", what == "bad origin name":
		s.wrong(at, quoted+" is no name", "labels of at most 63 characters joined by dots, 253 in all")
	case what == "not a TTL":
		s.wrong(at, quoted+" is no TTL", "seconds, or a time such as 1h or 1w2d")
	case token == "" || token == "\n":
		s.wrong(at, "the data of this "+typeName(typ)+" record is cut off", example(typ))
	case strings.HasPrefix(what, "garbage after"):
		s.wrong(at, quoted+" stands behind the data of the "+typeName(typ)+" record", "the line to end there; text with spaces needs quotes")
	default:
		s.wrong(at, quoted+" can't stand in the data of this "+typeName(typ)+" record", example(typ))
	}
}

// typeIn finds the type that an entry names, 0 for none.
func typeIn(entry string) uint16 {
	words := strings.Fields(entry)
	for _, word := range words[min(1, len(words)):] {
		word = strings.ToUpper(word)
		if t, ok := dns.StringToType[word]; ok && t != dns.TypeANY {
			return t
		}
		if number, ok := strings.CutPrefix(word, "TYPE"); ok {
			if n, err := strconv.ParseUint(number, 10, 16); err == nil {
				return uint16(n)
			}
		}
	}
	return 0
}

// trimErr shortens an error to what happened: positions and our own words stand around it.
func trimErr(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return strings.TrimPrefix(err.Error(), "dns: ")
}

// example says how a record of a type looks.
func example(typ uint16) string {
	switch typ {
	case dns.TypeA:
		return "an address of IPv4, such as: www 300 A 203.0.113.10"
	case dns.TypeAAAA:
		return "an address of IPv6, such as: www 300 AAAA 2001:db8::10"
	case dns.TypeCNAME, dns.TypeDNAME, dns.TypeNS, dns.TypePTR:
		return "one name, such as: www " + typeName(typ) + " host.example.net."
	case dns.TypeMX:
		return "a preference and a name, such as: @ 300 MX 10 mail.example.net."
	case dns.TypeTXT:
		return `text in quotes, such as: @ 300 TXT "v=spf1 mx -all"`
	case dns.TypeSRV:
		return "priority, weight, port and a name, such as: _imaps._tcp SRV 0 1 993 mail.example.net."
	case dns.TypeCAA:
		return `flags, tag and value, such as: @ CAA 0 issue "letsencrypt.org"`
	case dns.TypeHTTPS, dns.TypeSVCB:
		return `priority, name and parameters, such as: @ HTTPS 1 . alpn="h3,h2"`
	case dns.TypeSOA:
		return "name server, mailbox and five numbers, such as: @ SOA ns1.example.net. hostmaster.example.net. 1 3600 900 1209600 300"
	}
	return "the data of " + typeName(typ) + " as in a zone file"
}

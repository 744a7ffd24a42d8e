package problem

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed vi.po
var viPO string

// translations are the Vietnamese formats by the English ones. The file is part of the program, and a test reads it: a fault in
// it leaves messages in English and nothing else.
var translations = sync.OnceValue(func() map[string]string {
	entries, err := parsePO(viPO)
	if err != nil {
		return nil
	}
	return entries
})

// parsePO reads a gettext catalogue: msgid and msgstr, each a quoted text that may go on in further quoted lines. Comments and
// the header are left out; contexts and plural forms are not used.
func parsePO(text string) (map[string]string, error) {
	out := map[string]string{}
	var id, str string
	var into *string
	keep := func() {
		if id != "" && str != "" {
			out[id] = str
		}
		id, str, into = "", "", nil
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		rest := line
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case strings.HasPrefix(line, "msgid "):
			keep()
			into, rest = &id, strings.TrimPrefix(line, "msgid ")
		case strings.HasPrefix(line, "msgstr "):
			into, rest = &str, strings.TrimPrefix(line, "msgstr ")
		}
		s, err := strconv.Unquote(rest)
		if err != nil || into == nil || !strings.HasPrefix(rest, `"`) {
			return nil, fmt.Errorf("read vi.po line %d: expected msgid, msgstr or a quoted text", i+1)
		}
		if into == &id {
			if _, twice := out[id+s]; twice && id == "" && s != "" {
				return nil, fmt.Errorf("read vi.po line %d: the message stands twice", i+1)
			}
		}
		*into += s
	}
	keep()
	return out, nil
}

// Translations returns the Vietnamese formats by the English ones, or why vi.po cannot be read.
func Translations() (map[string]string, error) { return parsePO(viPO) }

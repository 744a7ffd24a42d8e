package discover

import (
	"maps"
	"strings"
	"testing"

	"github.com/lienthong/truc/mapping/value"
)

// TestMixed: a column of one encoding is never mixed, whichever it is; rows of two encodings are told apart with their shares.
func TestMixed(t *testing.T) {
	upper := people()
	for i := range upper {
		upper[i] = strings.ToUpper(upper[i])
	}
	for _, e := range value.Encodings() {
		texts := people()
		if strings.HasSuffix(e.Name, "-hoa") {
			texts = upper
		}
		if got := mixed(encoded(t, texts, e.Encode)); got != nil {
			t.Errorf("%s alone is taken for %+v", e.Name, got)
		}
	}
	for _, c := range []struct{ first, second string }{{"tcvn3", "utf-8"}, {"tcvn3", "vni"}, {"vni", "viscii"}, {"cp1258", "tcvn3"}, {"tcvn3-latin1", "utf-8"}, {"vni-latin1", "tcvn3-latin1"}} {
		first, _ := value.EncodingNamed(c.first)
		second, _ := value.EncodingNamed(c.second)
		texts := encoded(t, people()[:8], first.Encode)
		maps.Copy(texts, encoded(t, people()[8:], second.Encode))
		got := mixed(texts)
		if len(got) != 2 || got[0].Encoding != c.first || got[1].Encoding != c.second || got[0].Percent < 60 || got[0].Percent+got[1].Percent != 100 {
			t.Errorf("%s and %s are told apart as %+v", c.first, c.second, got)
		}
	}
	// One slip is no second encoding.
	texts := encoded(t, people(), value.EncodeTCVN3)
	texts["Lê Văn Mẫu"] = 1
	if got := mixed(texts); got != nil {
		t.Errorf("one row in another encoding makes %+v", got)
	}
}

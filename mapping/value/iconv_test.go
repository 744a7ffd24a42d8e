package value_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/truc/mapping/value"
)

// iconvChecksum is of testdata/iconv.txt, which testdata/iconv.sh makes with glibc's iconv.
const iconvChecksum = "6c574d99bcdf076c22fed40d7422a598367c40071c296198efbb8c5db63d691c"

// charset is what glibc says of one encoding: characters by byte, bytes by letter; nothing is "".
type charset struct {
	chars   [256]string
	letters map[string]string
}

// iconvTables reads the fixture.
func iconvTables(t *testing.T) map[string]*charset {
	t.Helper()
	data, err := os.ReadFile("testdata/iconv.txt")
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != iconvChecksum {
		t.Fatalf("testdata/iconv.txt is not what testdata/iconv.sh wrote: SHA-256 %x", sum)
	}
	out := map[string]*charset{}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		c := out[f[0]]
		if c == nil {
			c = &charset{letters: map[string]string{}}
			out[f[0]] = c
		}
		char := func(code string) string {
			n, err := strconv.ParseUint(code, 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			return string(rune(n))
		}
		switch {
		case len(f[1]) == 4 && f[2] != "-":
			raw, err := hex.DecodeString(f[2])
			if err != nil {
				t.Fatal(err)
			}
			c.letters[char(f[1])] = string(raw)
		case len(f[1]) == 2 && f[2] != "-":
			b, err := hex.DecodeString(f[1])
			if err != nil {
				t.Fatal(err)
			}
			c.chars[b[0]] = char(f[2])
		}
	}
	return out
}

// letters134 are the letters of Vietnamese that are not ASCII.
func letters134() []string {
	var out []string
	for _, r := range "àảãáạăằẳẵắặâầẩẫấậèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵđ" {
		out = append(out, string(r), strings.ToUpper(string(r)))
	}
	return out
}

func encodingNamed(t *testing.T, name string) value.Encoding {
	t.Helper()
	e, ok := value.EncodingNamed(name)
	if !ok {
		t.Fatalf("no encoding %s", name)
	}
	return e
}

// TestEncodingsEqualGlibc compares every byte and every letter with glibc's tables, both ways.
func TestEncodingsEqualGlibc(t *testing.T) {
	tables := iconvTables(t)
	for name, charset := range map[string]string{"tcvn3": "TCVN5712-1", "viscii": "VISCII", "cp1258": "CP1258"} {
		e, c := encodingNamed(t, name), tables[charset]
		compared := 0
		for i := range 256 {
			b := byte(i)
			want := c.chars[b]
			got, ok := e.Decode(nil, []byte{b})
			switch {
			case name == "tcvn3" && b < 0x20:
				want = string(rune(b)) // VN1 has capitals here, the fonts of TCVN3 control characters
			case name == "tcvn3" && (onlyVN1(want) || b >= 0xB0 && b <= 0xB4):
				want = "" // toned capitals and combining tones, which no font of TCVN3 draws
			case name == "cp1258" && strings.ContainsAny(want, "\u0300\u0309\u0303\u0301\u0323"):
				want = "" // a tone alone
			}
			if ok != (want != "") || string(got) != want {
				t.Errorf("%s: byte %02X is %q, %v; iconv says %q", name, b, got, ok, want)
			}
			compared++
		}
		for _, letter := range letters134() {
			want := c.letters[letter]
			if name == "tcvn3" && onlyVN1(letter) {
				want = ""
			}
			got, ok := e.Encode(nil, []byte(letter))
			if ok != (want != "") || string(got) != want {
				t.Errorf("%s: %s is written %X, %v; iconv writes %X", name, letter, got, ok, want)
			}
			compared++
		}
		if compared != 256+134 {
			t.Errorf("%s: %d compared", name, compared)
		}
	}
}

// onlyVN1 holds for the toned capitals, which the standard has in its table VN1 and TCVN3, its table VN3, has not.
func onlyVN1(letter string) bool {
	return strings.ToLower(letter) != letter && len([]rune(norm.NFD.String(letter))) > 1 && !slices.Contains([]string{"Ă", "Â", "Ê", "Ô", "Ơ", "Ư"}, letter)
}

// TestTonesOfCP1258 compares what becomes of every pair of bytes with the composition that Unicode prescribes for glibc's characters.
func TestTonesOfCP1258(t *testing.T) {
	c, e := iconvTables(t)["CP1258"], encodingNamed(t, "cp1258")
	accepted := 0
	for i := range 256 * 256 {
		pair := []byte{byte(i >> 8), byte(i)}
		first, second := c.chars[pair[0]], c.chars[pair[1]]
		composed := norm.NFC.String(first + second)
		got, ok := e.Decode(nil, pair)
		if ok {
			accepted++
			if string(got) != composed {
				t.Fatalf("%X is %q, iconv and NFC say %q", pair, got, composed)
			}
			if back, ok := e.Encode(nil, got); !ok || mustDecode(t, e, back) != composed {
				t.Fatalf("%X does not come back: %X, %v", pair, back, ok)
			}
			continue
		}
		tone := strings.ContainsAny(first+second, "\u0300\u0309\u0303\u0301\u0323")
		if first != "" && second != "" && !tone {
			t.Fatalf("%X is refused, and is %q", pair, composed)
		}
	}
	// 242 bytes are characters of their own; 24 vowels take 5 tones.
	if want := 242*242 + 24*5; accepted != want {
		t.Errorf("%d pairs are accepted, want %d", accepted, want)
	}
}

func mustDecode(t *testing.T, e value.Encoding, raw []byte) string {
	t.Helper()
	got, ok := e.Decode(nil, raw)
	if !ok {
		t.Fatalf("%s refuses %X", e.Name, raw)
	}
	return string(got)
}

// TestFixtureIsGlibcs compares the fixture with the iconv of this machine, where there is glibc's.
func TestFixtureIsGlibcs(t *testing.T) {
	path, err := exec.LookPath("iconv")
	if err != nil {
		t.Skip("no iconv here: the fixture was compared where it was made")
	}
	if version, err := exec.CommandContext(t.Context(), path, "--version").Output(); err != nil || !bytes.Contains(version, []byte("GLIBC")) && !bytes.Contains(version, []byte("GNU libc")) {
		t.Skipf("the iconv of this machine is not glibc's: %v", err)
	}
	run := func(in []byte, args ...string) []string {
		cmd := exec.CommandContext(t.Context(), path, append([]string{"-c"}, args...)...)
		cmd.Stdin = bytes.NewReader(in)
		out, _ := cmd.Output() // with -c it reports what it left out as a failure
		return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	}
	for name, c := range iconvTables(t) {
		var in []byte
		for i := range 256 {
			if i != '\n' {
				in = append(in, byte(i), '\n')
			}
		}
		lines := run(in, "-f", name, "-t", "UTF-8")
		if len(lines) != 255 {
			t.Fatalf("%s: %d lines", name, len(lines))
		}
		at := 0
		for i := range 256 {
			if i == '\n' {
				continue
			}
			if lines[at] != c.chars[i] {
				t.Errorf("%s: byte %02X is %q for iconv, %q in the fixture", name, i, lines[at], c.chars[i])
			}
			at++
		}
		written := run([]byte(strings.Join(letters134(), "\n")+"\n"), "-f", "UTF-8", "-t", name)
		for i, letter := range letters134() {
			if i >= len(written) || written[i] != c.letters[letter] {
				t.Errorf("%s: %s is written otherwise than in the fixture (%X)", name, letter, c.letters[letter])
			}
		}
	}
}

// TestVNIList compares VNI with the list in testdata, both ways.
func TestVNIList(t *testing.T) {
	data, err := os.ReadFile("testdata/vni.txt")
	if err != nil {
		t.Fatal(err)
	}
	vni, latin1 := encodingNamed(t, "vni"), encodingNamed(t, "vni-latin1")
	seen := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		for i := 0; i+1 < len(f); i += 2 {
			raw := latin1Of(f[i])
			if got, ok := vni.Decode([]byte("e"), raw); !ok || string(got) != "e"+f[i+1] {
				t.Errorf("%s (%X) is %q, %v; want %s", f[i], raw, got, ok, f[i+1])
			}
			if got, ok := vni.Encode(nil, []byte(f[i+1])); !ok || !bytes.Equal(got, raw) {
				t.Errorf("%s is written %X, %v; want %X", f[i+1], got, ok, raw)
			}
			if got, ok := latin1.Decode([]byte("e"), []byte(f[i])); !ok || string(got) != "e"+f[i+1] {
				t.Errorf("%s through Latin-1 is %q, %v", f[i], got, ok)
			}
			if got, ok := latin1.Encode(nil, []byte(f[i+1])); !ok || string(got) != f[i] {
				t.Errorf("%s through Latin-1 is written %q, %v", f[i+1], got, ok)
			}
			seen[f[i+1]] = true
		}
	}
	for _, letter := range letters134() {
		if !seen[letter] {
			t.Errorf("%s is not in the list", letter)
		}
	}
	if len(seen) != 134 {
		t.Errorf("%d letters", len(seen))
	}
}

// latin1Of gives the bytes that Latin-1 has for a text.
func latin1Of(s string) []byte {
	var out []byte
	for _, r := range s {
		if r > 0xFF {
			panic(fmt.Sprintf("%q is not Latin-1", s))
		}
		out = append(out, byte(r))
	}
	return out
}

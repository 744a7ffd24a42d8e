package docs

import (
	"net/url"
	"strings"
	"testing"

	"github.com/lienthong/truc/tests/servers"
)

// TestFirstDataset follows the guide for those who publish.
func TestFirstDataset(t *testing.T) { follow(t, "docs/your-first-dataset.md", "127.0.0.1:8080") }

// TestSubscriber follows the guide for those who receive.
func TestSubscriber(t *testing.T) {
	follow(t, "docs/subscriber.md", "127.0.0.1:8080", "127.0.0.1:8081", "127.0.0.1:9092")
}

// follow does what a guide says, block by block, on a PostgreSQL of its own: databases and roles have fixed names in it.
// What differs from the page is where that server is, and the addresses to listen at.
func follow(t *testing.T, page string, listen ...string) {
	t.Helper()
	server := servers.NewPostgres(t)
	at, err := url.Parse(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	differs := []string{
		"127.0.0.1:5432", at.Host,
		"PGHOST=127.0.0.1 PGPORT=5432", "PGHOST=" + at.Hostname() + " PGPORT=" + at.Port(),
		"PGPASSWORD=postgres", "PGPASSWORD=" + password,
	}
	for _, address := range listen {
		_, port, _ := strings.Cut(address, ":")
		_, free, _ := strings.Cut(freeAddress(t), ":")
		differs = append(differs, address, "127.0.0.1:"+free, "port: "+port, "port: "+free)
	}
	newGuide(t, page, build(t), server.Bin, differs).follow()
}

// TestAbsent: what a page says is printed has to be there, in its order.
func TestAbsent(t *testing.T) {
	const printed = "KEY   REASON\nab12  type\n0 open"
	for says, want := range map[string]string{
		"KEY REASON\n  …  type\n": "",
		"0 open…\n":               "",
		"\n":                      "",
		"type\nKEY\n":             "KEY\n",
		"1 open\n":                "1 open\n",
		"ab12 … type …\nab12\n":   "ab12\n",
		"KEY.REASON\n":            "KEY.REASON\n",
	} {
		if got := absent(printed, says); got != want {
			t.Errorf("of %q %q is absent, want %q", says, got, want)
		}
	}
}

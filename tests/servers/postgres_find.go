package servers

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// PostgresVersions lists the major versions of PostgreSQL that truc is tested on; tests/scripts/setup.sh installs them.
func PostgresVersions() []int { return []int{15, 17, 18} }

// PostgresVersion gives the major version of the PostgreSQL that tests start here.
func PostgresVersion(ctx context.Context) (int, error) {
	bin, err := findPostgres()
	if err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "-V").Output()
	if err != nil {
		return 0, fmt.Errorf("ask %s for its version: %w", bin, err)
	}
	m := postgresVersion.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("%s does not tell its version: %q", bin, out)
	}
	return strconv.Atoi(string(m[1]))
}

// postgresVersion is "postgres (PostgreSQL) 15.19 (Debian …)".
var postgresVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// findPostgres gives the directory of a PostgreSQL that is a server, not only a client: the one of TRUC_TEST_PGBIN, one
// of the major version of TRUC_TEST_PGVERSION, the system's newest, or the newest that setup.sh unpacked.
func findPostgres() (string, error) {
	if bin := os.Getenv("TRUC_TEST_PGBIN"); bin != "" {
		if isServer(bin) {
			return bin, nil
		}
		return "", &missingError{fmt.Sprintf("no initdb and postgres in TRUC_TEST_PGBIN=%s", bin)}
	}
	if version := os.Getenv("TRUC_TEST_PGVERSION"); version != "" {
		return postgresOf(version)
	}
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(candidates, newest)
	if initdb, err := exec.LookPath("initdb"); err == nil {
		candidates = slices.Insert(candidates, 0, filepath.Dir(initdb))
	}
	candidates = append(candidates, cachedPostgres("*")...)
	if i := slices.IndexFunc(candidates, isServer); i >= 0 {
		return candidates[i], nil
	}
	return "", &missingError{"no PostgreSQL server (initdb, postgres) in TRUC_TEST_PGBIN, PATH, /usr/lib/postgresql/*/bin or the cache"}
}

// postgresOf is findPostgres for one major version.
func postgresOf(version string) (string, error) {
	candidates := append([]string{"/usr/lib/postgresql/" + version + "/bin"}, cachedPostgres(version)...)
	if i := slices.IndexFunc(candidates, isServer); i >= 0 {
		return candidates[i], nil
	}
	return "", &missingError{fmt.Sprintf("no PostgreSQL %s in /usr/lib/postgresql or the cache", version)}
}

// cachedPostgres are the places where setup.sh unpacks a major version, the newest release first.
func cachedPostgres(version string) []string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil
	}
	found, _ := filepath.Glob(filepath.Join(cache, "truc", "postgres-"+version+".*", "bin"))
	slices.SortFunc(found, newest)
	return found
}

// newest orders paths that differ in a version number: 9.6 after 15 after 17.
func newest(a, b string) int {
	return cmp.Or(len(b)-len(a), strings.Compare(b, a))
}

func isServer(bin string) bool {
	return isExecutable(filepath.Join(bin, "initdb")) && isExecutable(filepath.Join(bin, "postgres"))
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// shareProgram gives the directory under which the user of the server reaches the programs in bin, and what belongs to
// them beside it.
func shareProgram(h *home, bin string) (string, error) {
	root, err := h.share(filepath.Dir(bin), "pgsql")
	if err != nil {
		return "", err
	}
	return filepath.Join(root, filepath.Base(bin)), nil
}

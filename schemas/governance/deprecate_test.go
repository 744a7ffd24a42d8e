package governance

import (
	"strings"
	"testing"
	"time"
)

const nextID = "phuongtien.bienso.v2"

// next puts a dataset beside the plates that could take over from them; it is a draft.
func (s *standards) next() {
	s.t.Helper()
	s.put("phuongtien.bienso/v2/schema.json", strings.NewReplacer("bienso/1.0.0", "bienso/2.0.0").Replace(plate))
	s.put("phuongtien.bienso/v2/examples/valid/1.json", `{"so": "19A-1"}`)
	s.put("phuongtien.bienso/v2/examples/invalid/1.json", s.text("phuongtien.bienso/v1/examples/invalid/1.json"))
}

func (s *standards) releaseNext() {
	s.t.Helper()
	_, _, err := s.open().Propose(nextID, by(an()))
	must(s.t, err)
	_, err = s.open().Approve(nextID, by(binh()))
	must(s.t, err)
	_, err = s.open().Publish(nextID, by(an()))
	must(s.t, err)
}

func (s *standards) deprecate(id, successor, date string) error {
	_, _, err := s.open().Deprecate(id, successor, date, by(an()))
	return err
}

func (s *standards) retire(id, day string) error {
	d := by(an())
	d.At, _ = time.Parse(time.DateOnly, day)
	_, _, err := s.open().Retire(id, d)
	return err
}

// second publishes 1.1.0 of the plates.
func (s *standards) second() {
	s.t.Helper()
	s.edit(schemaFile, `"chu": {`, `"hang": {"type": "string"}, "chu": {`)
	s.version("1.0.0", "1.1.0")
	s.release()
}

// states are those of the versions of the plates, and the end that was announced.
func (s *standards) states() string {
	s.t.Helper()
	d, err := s.open().Dataset(plateID)
	must(s.t, err)
	var out []string
	for _, t := range d.Versions {
		e := d.Last(t.Version.String())
		out = append(out, strings.Join(strings.Fields(t.Version.String()+" "+string(e.State)+" "+e.Date+" "+e.Successor), " "))
	}
	return strings.Join(out, ", ")
}

func (s *standards) inState(want string) {
	s.t.Helper()
	if got := s.states(); got != want {
		s.t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What is sent to must be there when subscribers go there.
func TestSuccessor(t *testing.T) {
	s := newStandards(t)
	refused(t, s.deprecate(plateID, "hotich.khaisinh.v1", "2027-12-31"), "governance.state") // a draft has no end
	s.release()
	s.second()
	for _, successor := range []string{
		"", "phuongtien.bienso", plateID, plateID + "@1.0.0", "phuongtien.bienso@1.1.0", // none, or itself
		nextID, "hotich.khaisinh.v1@9.9.9", "hotich.khaisinh.v9", "hotich.khai",
	} {
		refused(t, s.deprecate(plateID, successor, "2027-12-31"), "governance.successor")
	}
	s.next()
	refused(t, s.deprecate(plateID, nextID, "2027-12-31"), "governance.successor") // a draft
	s.releaseNext()
	for _, successor := range []string{nextID + "@2.1.0", "phuongtien.bienso@3.0.0"} {
		if err := s.deprecate(plateID, successor, "2027-12-31"); err == nil {
			t.Errorf("%s takes over, which is not there", successor)
		}
	}
	s.inState("1.0.0 published, 1.1.0 published")

	// A version may be followed by a later one of the same dataset, by its full name.
	must(t, s.deprecate(plateID+"@1.0.0", "phuongtien.bienso@1.1.0", "2027-12-31"))
	s.inState("1.0.0 deprecated 2027-12-31 phuongtien.bienso.v1@1.1.0, 1.1.0 published")
	must(t, s.deprecate(plateID, nextID+"@2.0.0", "2028-12-31"))
	s.inState("1.0.0 deprecated 2028-12-31 phuongtien.bienso.v2@2.0.0, 1.1.0 deprecated 2028-12-31 phuongtien.bienso.v2@2.0.0")
	// Nobody is sent in a circle, or to where the next end is announced already.
	err := s.deprecate(nextID, plateID, "2029-12-31")
	refused(t, err, "governance.successor")
	if ps := problemsOf(err); len(ps) != 1 || !strings.Contains(ps[0].What.EN, "from 2028-12-31 on") || !strings.Contains(ps[0].Fix.EN, "--successor "+nextID+"@2.0.0") {
		t.Errorf("a successor that ends itself: %v", err)
	}
}

func TestEndOfOneVersion(t *testing.T) {
	s := newStandards(t)
	s.release()
	s.second()
	const first, later = plateID + "@1.0.0", "hotich.khaisinh"    // its latest major version
	refused(t, s.retire(first, "2027-12-31"), "governance.state") // published: nobody was told
	must(t, s.deprecate(first, later, "2027-12-31"))
	s.inState("1.0.0 deprecated 2027-12-31 hotich.khaisinh.v1, 1.1.0 published")
	// Without a name it is about those that were announced.
	must(t, s.retire(plateID, "2027-12-31"))
	s.inState("1.0.0 retired, 1.1.0 published")
	refused(t, s.retire(plateID, "2027-12-31"), "governance.state")
	refused(t, s.deprecate(first, later, "2028-12-31"), "governance.state") // it has ended
	// What has ended stays ended when an end of all is announced.
	must(t, s.deprecate(plateID, later, "2029-12-31"))
	s.inState("1.0.0 retired, 1.1.0 deprecated 2029-12-31 hotich.khaisinh.v1")
	must(t, s.retire(plateID, "2030-01-01"))
	refused(t, s.deprecate(plateID, later, "2031-12-31"), "governance.state")
	refused(t, s.retire(plateID, "2031-12-31"), "governance.state")
	d, err := s.open().Dataset(plateID)
	if err != nil || len(d.History) != 10 || d.Problems != nil {
		t.Errorf("%d steps, %v, %v", len(d.History), d.Problems, err)
	}
}

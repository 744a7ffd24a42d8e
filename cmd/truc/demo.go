package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/demo"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
)

func demoVerb() verb {
	return verb{
		name: "demo", summary: problem.Text{VI: "xem tất cả trên máy này, không cần cài gì", EN: "show it all on this machine, with nothing to install"},
		help: problem.Text{VI: `
Ba cơ quan: tư pháp hộ tịch của Hải Dương (cũ, nay thuộc Hải Phòng) và Hà Nội đăng ký, cải chính, xóa khai sinh trong cơ
sở dữ liệu riêng, và bảng của một cơ quan bảo hiểm y tế đầy lên từ cả hai. Sổ năm 2019 của Hải Dương được công bố theo đơn
vị hành chính hôm nay, mã cũ giữ bên cạnh. Một hồ sơ lúc đầu sai, thành thư lỗi, và tự đóng khi nơi lập sửa lại. Kết thúc
bằng Ctrl-C hoặc sau --for, rồi so từng luồng theo từng khóa. Mọi người trong đó đều là bịa.

Mã thoát 3: có luồng không khớp.`, EN: `
Three agencies: the civil-status offices of the former Hải Dương (Hải Phòng today) and of Hà Nội register, correct and
delete births in databases of their own, and a health insurer's table fills from both. Hải Dương's book of 2019 is
published under the administrative units of today, with the old codes beside them. One record is wrong at first, becomes
a dead letter, and resolves when its office corrects it. Ends with Ctrl-C, or after --for, and then compares every
pipeline key by key. Every person is made up.

Exit code 3: some pipeline did not verify.`},
		define: func(fs *flag.FlagSet) action {
			d := &demonstration{}
			fs.DurationVar(&d.length, "for", 0, "kết thúc sau `DURATION`; 0 là chạy đến Ctrl-C / end after this `DURATION`; 0 runs until Ctrl-C")
			fs.StringVar(&d.dir, "dir", "", "giữ mọi thứ trong `DIR`, lần sau chạy tiếp từ đó / keep everything in `DIR`, and go on from there at the next start")
			return d.run
		},
	}
}

// demonstration is one run of the demo.
type demonstration struct {
	length time.Duration
	dir    string
}

// demoResult is what the demo prints with --json.
type demoResult struct {
	FirstEventSeconds float64          `json:"firstEventSeconds"`
	Events            map[string]int64 `json:"events"`
	Delivered         map[string]int64 `json:"delivered"`
	DeadLetters       struct {
		Opened   int64 `json:"opened"`
		Resolved int64 `json:"resolved"`
		Open     int64 `json:"open"`
	} `json:"deadLetters"`
	Verify []demoVerdict `json:"verify"`
	// Record2019 is the first record of Hải Dương's book of 2019 as it stands in the insurer's table; null while it does not.
	Record2019 *demo.Moved `json:"record2019"`
	Broker     string      `json:"broker"`
	HTTP       string      `json:"http"`
}

// demoVerdict counts live keys by side; a side that a pipeline does not have is null.
type demoVerdict struct {
	Pipeline string `json:"pipeline"`
	Source   *int64 `json:"source"`
	Topic    *int64 `json:"topic"`
	Sink     *int64 `json:"sink"`
	Equal    bool   `json:"equal"`
}

const (
	// clerkPause is the time between two things a clerk does.
	clerkPause = 25 * time.Millisecond
	// mendAfter is when the wrong record is corrected, unless the demo is too short for it.
	mendAfter = 6 * time.Second
)

func (d *demonstration) run(ctx context.Context, p *program) (err error) {
	if d.length < 0 {
		return &usageError{what: problem.Say("--for %s ends before it begins", d.length), fix: problem.Say("write a time like 20s, or 0 to run until Ctrl-C")}
	}
	started := time.Now()
	comparing, done := untilSecondSignal(ctx)
	defer done()
	dir := d.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "truc-demo-"); err != nil {
			return fmt.Errorf("make a folder for the demo: %w; name one that you may write: --dir DIR", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	town, err := demo.Lay(ctx, dir, d.dir == "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, town.Close()) }()
	offices, err := town.Open(ctx)
	if err != nil {
		return err
	}
	c, problems := config.Load(filepath.Join(dir, demo.ConfigFile), p.env)
	if problems.Err() != nil {
		return problems
	}
	n, problems := build(c, p.adapters, p.log(slog.LevelWarn))
	if problems.Err() != nil {
		return problems
	}
	conn, err := connect(ctx, c.Bus, true, n.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	l, err := n.assemble(ctx, conn)
	if err != nil {
		return err
	}
	listener, err := listenOn(ctx, c.HTTP.Listen, "config.listen", c.Where("http.listen"))
	if err != nil {
		return err
	}
	result := demoResult{Broker: n.broker(conn), HTTP: "http://" + listener.Addr().String()}
	tell := p.stdout
	if p.json {
		tell = io.Discard
	}
	fmt.Fprintf(tell, demoIntroduction, result.Broker, town.HanoiSystem, result.HTTP, dir)

	// What is on its way when Ctrl-C comes still arrives, or the comparison would find it missing.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	node := make(chan error, 1)
	go func() {
		node <- l.run(running, listener, n.page(l, conn, versionOf(debug.ReadBuildInfo()).Version), n.log)
	}()
	watching, unwatch := context.WithCancel(ctx)
	defer unwatch()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		demo.Watch(watching, conn.Client, tell, n.watched())
	}()
	first := make(chan float64, 1)
	go func() { first <- firstEvent(running, l, started) }()

	err = d.work(ctx, offices)
	interrupted := ctx.Err() != nil && d.length > 0
	if err == nil && !interrupted {
		// Ctrl-C ends an open-ended demo in order: it is compared all the same.
		err = n.conclude(comparing, conn, l, &result)
		if err == nil {
			result.Record2019, err = town.Moved(comparing)
		}
		if comparing.Err() != nil {
			err = context.Canceled
		}
	}
	unwatch()
	<-watched
	stop()
	if nodeErr := <-node; nodeErr != nil && !errors.Is(nodeErr, context.Canceled) {
		err = errors.Join(err, nodeErr)
	}
	result.FirstEventSeconds = <-first
	if err != nil {
		return err
	}
	if interrupted {
		return ctx.Err()
	}
	return p.printDemo(&result, d.dir)
}

// untilSecondSignal returns a context that outlives the first Ctrl-C and ends with the second, which would otherwise end
// the process at once (main), and leave a server and folders behind. The third does that.
func untilSecondSignal(ctx context.Context) (context.Context, func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := func() { signal.Stop(signals); cancel() }
	go func() {
		defer done()
		for range 2 {
			select {
			case <-signals:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, done
}

const demoIntroduction = `truc demo: ba cơ quan trên một máy / three agencies on one machine (mọi người đều không có thật / every person is made up)

  Hải Dương (cũ)  ht_khaisinh, TCVN3 ──┐
                                       ├──► bus %s ──► BHYT: tre_em
  Hà Nội          khai_sinh, Unicode ──┘        (%s)
  danh mục dùng chung / code lists ─────► bus ─────► BHYT: dan_toc

  30/10978 → 31/10966: tỉnh/xã của năm 2019 → của hôm nay / province/commune of 2019 → of today

  trạng thái / status: %s/   thư mục / folder: %s   Ctrl-C: dừng / stop

`

// work keeps the offices busy for as long as the demo lasts.
func (d *demonstration) work(ctx context.Context, offices *demo.Offices) error {
	mend := make(chan struct{})
	after := mendAfter
	if d.length > 0 {
		after = min(after, d.length*2/5)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.length)
		defer cancel()
	}
	timer := time.AfterFunc(after, func() { close(mend) })
	defer timer.Stop()
	return offices.Work(ctx, clerkPause, mend)
}

// firstEvent waits for the first acknowledged change and returns the seconds since the start.
func firstEvent(ctx context.Context, l *loops, started time.Time) float64 {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, r := range l.readers {
			if r.Stats().LastAcknowledged.Load() != 0 {
				return time.Since(started).Seconds()
			}
		}
		select {
		case <-ctx.Done():
			return 0
		case <-tick.C:
		}
	}
}

// watched are the topics the demo tells about.
func (n *node) watched() []demo.Watched {
	labels := map[string]string{"haiduong": "Hải Dương", "hanoi": "Hà Nội"}
	var out []demo.Watched
	for _, p := range n.publish {
		if labels[p.Source] == "" {
			continue // the codes are hundreds
		}
		out = append(out,
			demo.Watched{Topic: p.topic, Label: labels[p.Source]},
			demo.Watched{Topic: p.topic + bus.DLQSuffix, Label: labels[p.Source], Letters: true})
	}
	return out
}

// conclude compares every pipeline and collects the counts.
func (n *node) conclude(ctx context.Context, conn *connection, l *loops, into *demoResult) error {
	verdicts, err := n.verify(ctx, conn, nil, pipeline.VerifyOptions{Settle: 15 * time.Second})
	if err != nil {
		return err
	}
	for _, v := range verdicts {
		out := demoVerdict{Pipeline: v.Pipeline, Equal: v.Equal}
		for side, keys := range map[string]int64{v.Left: v.LeftKeys, v.Right: v.RightKeys} {
			switch side {
			case "source":
				out.Source = &keys
			case "topic":
				out.Topic = &keys
			case "sink":
				out.Sink = &keys
			}
		}
		into.Verify = append(into.Verify, out)
	}
	into.Events, into.Delivered = map[string]int64{}, map[string]int64{}
	for _, r := range l.readers {
		for _, p := range r.Stats().Publish {
			into.Events[p.Dataset] += p.Created.Load() + p.Updated.Load() + p.Deleted.Load() + p.Snapshot.Load()
			into.DeadLetters.Opened += p.Opened.Load()
			into.DeadLetters.Resolved += p.Resolved.Load()
			into.DeadLetters.Open += p.Open.Load()
		}
	}
	for _, d := range l.deliveries {
		s := d.Stats()
		into.Delivered[s.Name] = s.Applied.Load()
		into.DeadLetters.Opened += s.Opened.Load()
		into.DeadLetters.Resolved += s.Resolved.Load()
		into.DeadLetters.Open += s.Open.Load()
	}
	return nil
}

func (p *program) printDemo(r *demoResult, dir string) error {
	equal := true
	for _, v := range r.Verify {
		equal = equal && v.Equal
	}
	var err error
	if p.json {
		err = p.printJSON(r)
	} else {
		_, err = fmt.Fprint(p.stdout, r.text(dir))
	}
	if err == nil && !equal {
		err = &codeError{code: exitNo}
	}
	return err
}

func (r *demoResult) text(dir string) string {
	var b strings.Builder
	b.WriteString("\n")
	for dataset, n := range r.Events {
		fmt.Fprintf(&b, "%s: %d sự kiện / events\n", dataset, n)
	}
	for name, n := range r.Delivered {
		fmt.Fprintf(&b, "%s: %d đã giao / delivered\n", name, n)
	}
	fmt.Fprintf(&b, "thư lỗi / dead letters: %d mở / opened, %d tự đóng / resolved, %d còn lại / open\n", r.DeadLetters.Opened, r.DeadLetters.Resolved, r.DeadLetters.Open)
	if m := r.Record2019; m != nil {
		fmt.Fprintf(&b, "hồ sơ Hải Dương năm 2019 trong bảng của BHYT / a record of Hải Dương of 2019 in the insurer's table: %s: tỉnh/province %s → %s, xã/commune %s → %s\n",
			m.Name, m.OldProvince, m.Province, m.OldCommune, m.Commune)
	}
	for _, v := range r.Verify {
		verdict := "khớp / equal"
		if !v.Equal {
			verdict = "KHÔNG KHỚP / NOT EQUAL"
		}
		fmt.Fprintf(&b, "đối chiếu / verify %s: %s ", v.Pipeline, verdict)
		for _, s := range []struct {
			name string
			keys *int64
		}{{"nguồn/source", v.Source}, {"chủ đề/topic", v.Topic}, {"đích/sink", v.Sink}} {
			if s.keys != nil {
				fmt.Fprintf(&b, "  %s %d", s.name, *s.keys)
			}
		}
		b.WriteString("\n")
	}
	if dir != "" {
		fmt.Fprintf(&b, "còn nguyên trong / all kept in %s: truc verify -c %s\n", dir, filepath.Join(dir, demo.ConfigFile))
	}
	return b.String()
}

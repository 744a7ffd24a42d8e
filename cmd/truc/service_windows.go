package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"

	"github.com/lienthong/truc/problem"
)

// defaultServiceUser has few rights on the machine and none on the network.
const defaultServiceUser = `NT AUTHORITY\LocalService`

func systemManager() manager { return &serviceControl{} }

// serviceControl is the service control manager of Windows.
type serviceControl struct{}

func (m *serviceControl) check() error {
	scm, err := mgr.Connect()
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return refusal("rights", "Windows",
			problem.Say("only an administrator may install or remove a service"),
			problem.Say("open PowerShell by \"Run as administrator\""))
	}
	if err != nil {
		return fmt.Errorf("reach the service control manager: %w", err)
	}
	return scm.Disconnect()
}

// command is how Windows starts a service.
func (s service) command() []string { return []string{"run", "-c", s.config} }

func (m *serviceControl) text(s service) string {
	return fmt.Sprintf("name:     %s\ncommand:  %s\naccount:  %s\nstart:    automatic, delayed\nrecovery: restart after 10 s, 30 s, 60 s\n",
		s.name, windows.ComposeCommandLine(append([]string{s.binary}, s.command()...)), s.user)
}

func (m *serviceControl) replaces(s service) (present, same bool, err error) {
	err = m.with(s.name, func(_ *mgr.Mgr, old *mgr.Service) error {
		c, err := old.Config()
		present = true
		same = err == nil && strings.EqualFold(c.ServiceStartName, s.user) &&
			c.BinaryPathName == windows.ComposeCommandLine(append([]string{s.binary}, s.command()...))
		return err
	})
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return false, false, nil
	}
	return present, same, err
}

// with opens a service for the time of do.
func (m *serviceControl) with(name string, do func(*mgr.Mgr, *mgr.Service) error) (err error) {
	scm, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("reach the service control manager: %w", err)
	}
	defer func() { err = errors.Join(err, scm.Disconnect()) }()
	s, err := scm.OpenService(name)
	if err != nil {
		return fmt.Errorf("open service %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(scm, s)
}

func (m *serviceControl) install(_ context.Context, p *program, s service, now bool) (err error) {
	scm, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("reach the service control manager: %w", err)
	}
	defer func() { err = errors.Join(err, scm.Disconnect()) }()
	c := mgr.Config{
		StartType: mgr.StartAutomatic, DelayedAutoStart: true, ErrorControl: mgr.ErrorNormal,
		DisplayName: "truc (" + s.name + ")", Description: "truc, agency " + s.agency, ServiceStartName: s.user,
	}
	made, err := scm.OpenService(s.name)
	if err == nil {
		c.ServiceType = windows.SERVICE_WIN32_OWN_PROCESS
		c.BinaryPathName = windows.ComposeCommandLine(append([]string{s.binary}, s.command()...))
		err = made.UpdateConfig(c)
	} else {
		made, err = scm.CreateService(s.name, s.binary, c, s.command()...)
	}
	if err != nil {
		return fmt.Errorf("install service %s: %w", s.name, err)
	}
	defer func() { err = errors.Join(err, made.Close()) }()
	restart := func(after time.Duration) mgr.RecoveryAction {
		return mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: after}
	}
	const forgetAfter = 24 * 60 * 60 // seconds without a failure
	if err := errors.Join(
		made.SetRecoveryActions([]mgr.RecoveryAction{restart(10 * time.Second), restart(30 * time.Second), restart(time.Minute)}, forgetAfter),
		made.SetRecoveryActionsOnNonCrashFailures(true),
	); err != nil {
		return fmt.Errorf("set recovery of service %s: %w", s.name, err)
	}
	// That the source exists already is no fault.
	_ = eventlog.InstallAsEventCreate(s.name, eventlog.Error|eventlog.Warning|eventlog.Info)
	if now {
		if err := made.Start(); err != nil {
			return fmt.Errorf("start service %s: %w", s.name, err)
		}
	}
	_, err = fmt.Fprintf(p.stdout, `đã cài / installed: %s
tiếp theo / next:
    cho %s quyền đọc cấu hình và mật khẩu, ghi thư mục dữ liệu / let it read configuration and secrets, and write the data folders
    "%s" check -c "%s"
    sc.exe start %[1]s
    Event Viewer > Windows Logs > Application: %[1]s
`, s.name, s.user, s.binary, s.config)
	return err
}

func (m *serviceControl) remove(ctx context.Context, p *program, name string, now bool) error {
	err := m.with(name, func(_ *mgr.Mgr, s *mgr.Service) error {
		status, err := s.Query()
		if err != nil {
			return err
		}
		if status.State != svc.Stopped && !now {
			return refusal("running", name,
				problem.Say("service %s is running", name),
				problem.Say("sc.exe stop %s, or add --now", name))
		}
		if status.State != svc.Stopped {
			if _, err := s.Control(svc.Stop); err != nil {
				return fmt.Errorf("stop service %s: %w", name, err)
			}
		}
		for status.State != svc.Stopped {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(200 * time.Millisecond):
			}
			if status, err = s.Query(); err != nil {
				return err
			}
		}
		return s.Delete()
	})
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return refusal("unknown", name, problem.Say("there is no service %s", name), problem.Say("look at the list: services.msc"))
	}
	if err != nil {
		return err
	}
	_ = eventlog.Remove(name)
	_, err = fmt.Fprintf(p.stdout, "đã gỡ / removed: %s\n", name)
	return err
}

// asService runs the command line as a service when Windows started this process as one.
func asService() (code int, ran bool) {
	if is, err := svc.IsWindowsService(); err != nil || !is {
		return 0, false
	}
	// A process with one service ignores the name it gives here.
	if err := svc.Run("", handler{}); err != nil {
		return exitFailed, true
	}
	return exitDone, true
}

// handler answers the service control manager while the node runs.
type handler struct{}

// Execute implements svc.Handler. What must be changed by a person (2, 5) ends the service without the failure that would
// start it again; why is in the event log.
func (handler) Execute(args []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	status <- svc.Status{State: svc.StartPending}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var log io.Writer = io.Discard
	if len(args) > 0 {
		if source, err := eventlog.Open(args[0]); err == nil {
			defer source.Close()
			log = eventWriter{source}
		}
	}
	ended := make(chan int, 1)
	go func() { ended <- Main(ctx, os.Args[1:], strings.NewReader(""), io.Discard, log, os.LookupEnv) }()
	const accepts = svc.AcceptStop | svc.AcceptShutdown
	running := svc.Status{State: svc.Running, Accepts: accepts}
	status <- running
	for {
		select {
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				status <- running
			case svc.Stop, svc.Shutdown:
				running = svc.Status{State: svc.StopPending, WaitHint: 90_000}
				status <- running
				stop()
			}
		case exit := <-ended:
			switch exit {
			case exitDone, exitInterrupted, exitUsage, exitGap, exitTakenOver:
				return false, 0
			}
			return true, uint32(exit)
		}
	}
}

// eventWriter puts each record of the log into the event log, by its level.
type eventWriter struct{ log *eventlog.Log }

func (w eventWriter) Write(record []byte) (int, error) {
	const id = 1
	text := strings.TrimSpace(string(record))
	var err error
	switch {
	case strings.Contains(text, "level=INFO"), strings.Contains(text, "level=DEBUG"):
		err = w.log.Info(id, text)
	case strings.Contains(text, "level=WARN"):
		err = w.log.Warning(id, text)
	default: // errors, and what ends the command
		err = w.log.Error(id, text)
	}
	return len(record), err
}

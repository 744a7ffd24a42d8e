package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// unitMark is the first line of a unit that is ours to replace and to remove.
const unitMark = "# Written by truc service install."

// unitText is the systemd unit of a service. A node needs its files, its network and nothing else of the machine.
func unitText(s service) string {
	dir := filepath.Dir(s.config)
	home := "yes"
	for _, path := range append([]string{s.binary, s.config}, s.folders...) {
		if within(path, "/home") || within(path, "/root") || within(path, "/run/user") {
			home = "read-only"
		}
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s Changes of your own belong into: systemctl edit %s", unitMark, s.name)
	line("[Unit]")
	line("Description=truc, agency %s", unitValue(s.agency))
	line("Wants=network-online.target")
	line("After=network-online.target")
	line("")
	line("[Service]")
	line("Type=notify")
	line("ExecStart=%s run -c %s", unitWord(s.binary), unitWord(s.config))
	line("WorkingDirectory=%s", unitValue(dir))
	line("User=%s", s.user)
	line("UMask=0077")
	line("# Secrets, readable by root alone. Either lines NAME=value in this file, ${env:NAME} in the configuration:")
	line("EnvironmentFile=-%s", unitValue(filepath.Join(dir, s.name+".env")))
	line("# or one file each, ${file:/run/credentials/%s.service/hotich} in the configuration:", s.name)
	line("#LoadCredential=hotich:%s", unitValue(filepath.Join(dir, "secrets", "hotich")))
	line("")
	line("# 2: the configuration must be changed, 5: truc resnapshot, 6: another node has taken over. Starting again would mend")
	line("# none, and after a 6 take the source back from the other one, for ever.")
	line("Restart=on-failure")
	line("RestartSec=10")
	line("RestartPreventExitStatus=2 5 6")
	line("# An orderly end after a signal.")
	line("SuccessExitStatus=130")
	line("TimeoutStartSec=5min")
	line("TimeoutStopSec=90")
	line("LimitNOFILE=65536")
	line("")
	line("ProtectSystem=strict")
	for _, folder := range s.folders {
		line("ReadWritePaths=%s", unitWord("-"+folder)) // it may not be there yet
	}
	line("ProtectHome=%s", home)
	if !hidden(s) {
		line("PrivateTmp=yes")
	}
	b.WriteString(`NoNewPrivileges=yes
CapabilityBoundingSet=
PrivateDevices=yes
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`)
	return b.String()
}

// hidden reports whether something of the service lies where PrivateTmp would hide it.
func hidden(s service) bool {
	for _, path := range append([]string{s.binary, s.config}, s.folders...) {
		if within(path, "/tmp") || within(path, "/var/tmp") {
			return true
		}
	}
	return false
}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// unitValue writes a whole value: only specifiers (%n) mean something there.
func unitValue(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// unitWord writes one word of a command line or a list of paths, in quotes where blanks, and so on, need them.
func unitWord(s string) string {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(s)
	if strings.ContainsAny(s, " \t'\\\"") {
		return `"` + s + `"`
	}
	return s
}

// Command play brings the lab up, says what can be tried in it, and takes it down again when Ctrl-C is pressed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/roundtrip-dev/roundtrip/test/lab"
)

func main() {
	program := flag.String("bin", "bin/roundtrip", "the roundtrip program")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := play(ctx, *program, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

// play keeps a lab up until ctx ends.
func play(ctx context.Context, program string, out io.Writer) (err error) {
	if program, err = filepath.Abs(program); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "lab")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	l, err := lab.New(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	servers, err := l.Up(ctx, program)
	if err != nil {
		return err
	}
	fmt.Fprint(out, words(l, program))
	<-ctx.Done()
	for _, s := range servers {
		err = errors.Join(err, s.Stop())
	}
	return err
}

// words says what can be tried.
func words(l *lab.Lab, program string) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	on := func(machine, what string) { say("  ip netns exec %s %s", l.Machine(machine).Namespace(), what) }
	edge := l.Machine(lab.Edge)
	say("The lab is up (as root, in another terminal):\n")
	say("A visitor looks the name up, passes the group web, and is answered:")
	on(lab.Client, "dig +short "+lab.Site)
	on(lab.Client, "curl -sS --cacert "+edge.Authority()+" https://"+lab.Site+"/")
	say("\nA stranger is dropped, and the edge says why:")
	on(lab.Stranger, "curl -sS -m 3 --cacert "+edge.Authority()+" https://"+lab.Site+"/")
	on(lab.Edge, program+" firewall drops "+edge.Folder)
	say("\nThe application machines take the edge only, the database the applications only:")
	on(lab.Edge, "curl -sS -m 3 http://198.18.0.31:8080/")
	on(lab.Client, "curl -sS -m 3 http://198.18.0.31:8080/")
	say("\nWho may, and by which rule, without sending a packet:")
	say("  %s reach 198.18.2.66 tcp/443 --to edge %s", program, edge.Folder)
	say("\nThe rules in the kernel, with what each has let in:")
	on(lab.Edge, program+" firewall status "+edge.Folder)
	on(lab.Edge, "nft list table inet roundtrip")
	say("\nChange %s/roundtrip.yaml, then:", edge.Folder)
	say("  ip netns pids %s", edge.Namespace())
	say("  kill -HUP PID\n")
	say("Ctrl-C takes it all down.")
	return b.String()
}

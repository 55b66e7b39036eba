package console_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/console/audit"
)

const auditChild = "ROUNDTRIP_TEST_AUDIT"

// What was told to be in the audit log is there after kill -9: a process writes and tells, and is killed in the middle of it.
func TestAudit_IsThereAfterAKill(t *testing.T) {
	if dir := os.Getenv(auditChild); dir != "" {
		writeUntilKilled(t, dir)
		return
	}
	t.Parallel()
	dir := t.TempDir()
	told := ""
	for range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAudit_IsThereAfterAKill$", "-test.v")
		cmd.Env = append(os.Environ(), auditChild+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			chain, ours := strings.CutPrefix(lines.Text(), "told ")
			if !ours {
				continue
			}
			told = chain
			if n++; n == 20 {
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it says that it was killed
		text, err := os.ReadFile(dir + "/" + audit.File)
		if err != nil || n != 20 || !strings.Contains(string(text), told) {
			t.Fatalf("%d were told, the last one, %s, is not in the log, %v", n, told, err)
		}
		l, err := audit.Open(dir, time.Now, 0)
		if err != nil || l.Broken() != "" {
			t.Fatalf("%v, %v", l.Broken(), err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if broken, _, err := audit.Verify(dir); err != nil || broken != "" {
		t.Fatalf("%s, %v", broken, err)
	}
}

func writeUntilKilled(t *testing.T, dir string) {
	l, err := audit.Open(dir, time.Now, 0)
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := l.Append(audit.Entry{Who: "ana", What: "data.update"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stdout.WriteString("told " + e.Chain + "\n"); err != nil {
			return
		}
	}
}

package main

import (
	"context"
	"os"
	"os/exec"
)

// startSecond starts this program again, in a session of its own, so that no signal to the terminal's reaches it.
func startSecond(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.Background(), self, "firewall", "second", dir) //nolint:gosec // ourselves
	cmd.SysProcAttr = ownSession()
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // so that it leaves no zombie; if we end first, init waits for it
	return nil
}

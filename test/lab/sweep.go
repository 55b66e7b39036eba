package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// prefix begins the names of all namespaces of labs; the id of the process that made them follows.
const prefix = "rtl"

// The folders of ip netns: the namespaces by name, and what stands in for /etc inside of them.
const (
	namespaces = "/run/netns"
	settings   = "/etc/netns"
)

// sweep removes the labs whose process has ended without removing them: it was killed.
func sweep(ctx context.Context) error {
	var errs []error
	seen := map[string]bool{}
	for _, folder := range []string{namespaces, settings} {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("look for labs that were left behind: %w", err)
		}
		for _, e := range entries {
			name, pid := owner(e.Name())
			if pid == 0 || seen[name] || syscall.Kill(pid, 0) == nil {
				continue
			}
			seen[name] = true
			errs = append(errs, remove(ctx, name))
		}
	}
	return errors.Join(errs...)
}

// owner takes the name of a namespace apart: rtl1234-1-edge is of lab rtl1234-1 of the process 1234. The id is 0 for a
// namespace that is of no lab.
func owner(namespace string) (lab string, pid int) {
	rest, ours := strings.CutPrefix(namespace, prefix)
	parts := strings.SplitN(rest, "-", 3)
	if !ours || len(parts) != 3 {
		return "", 0
	}
	pid, err := strconv.Atoi(parts[0])
	if err != nil || pid <= 1 {
		return "", 0
	}
	if _, err := strconv.Atoi(parts[1]); err != nil {
		return "", 0
	}
	return prefix + parts[0] + "-" + parts[1], pid
}

// remove ends the processes inside a lab's namespaces and deletes these.
func remove(ctx context.Context, lab string) error {
	var errs []error
	for _, folder := range []string{namespaces, settings} {
		found, err := filepath.Glob(filepath.Join(folder, lab+"-*"))
		if err != nil {
			return err
		}
		for _, at := range found {
			if folder == settings {
				errs = append(errs, os.RemoveAll(at))
				continue
			}
			errs = append(errs, drop(ctx, filepath.Base(at)))
		}
	}
	_ = os.Remove(settings) // only if it is empty: we may have made it
	return errors.Join(errs...)
}

// drop deletes one namespace. A process inside would keep it alive without a name, so it is ended first.
func drop(ctx context.Context, namespace string) error {
	text, err := ip(ctx, "", "netns", "pids", namespace)
	if err == nil {
		for field := range strings.FieldsSeq(text) {
			if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	if text, err := ip(ctx, "", "netns", "del", namespace); err != nil {
		return fmt.Errorf("remove the namespace %s: %s", namespace, firstLine(text, err))
	}
	return nil
}

package kernel

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip/firewall"
)

// Socket is one TCP or UDP socket of the machine.
type Socket struct {
	Protocol  uint8
	Local     netip.AddrPort
	Remote    netip.AddrPort // of no meaning for one that listens
	Listening bool           // TCP: takes connections; UDP: takes datagrams from everybody
	Program   string         // whose it is, "" where we may not know
	PID       int            // the same; 0

	inode string
}

// netFolder holds the sockets of the thread's network namespace.
const netFolder = "/proc/thread-self/net"

// Sockets reads the sockets of this network namespace. With listening only those that others can reach first.
func Sockets(listening bool) ([]Socket, error) {
	all, err := openSockets()
	if err != nil {
		return nil, err
	}
	if listening {
		all = slices.DeleteFunc(all, func(s Socket) bool { return !s.Listening })
	}
	names := programs(all)
	for i := range all {
		all[i].Program, all[i].PID = names[all[i].inode].name, names[all[i].inode].pid
	}
	return all, nil
}

// openSockets reads them without whose they are.
func openSockets() ([]Socket, error) {
	var all []Socket
	for _, table := range []struct {
		name     string
		protocol uint8
	}{{"tcp", firewall.TCP}, {"tcp6", firewall.TCP}, {"udp", firewall.UDP}, {"udp6", firewall.UDP}} {
		text, err := os.ReadFile(filepath.Join(netFolder, table.name))
		if errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(table.name, "6") {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, err
		}
		all = append(all, parseSockets(text, table.protocol)...)
	}
	return all, nil
}

// Of the columns of /proc/net/tcp.
const (
	columnLocal  = 1
	columnRemote = 2
	columnState  = 3
	columnInode  = 9

	tcpEstablished = "01"
	tcpListen      = "0A"
	udpUnconnected = "07"
)

// parseSockets reads a table of the kernel and leaves out what it can't read. Of TCP it takes what listens and what is
// established.
func parseSockets(text []byte, protocol uint8) []Socket {
	var list []Socket
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		c := strings.Fields(lines.Text())
		if len(c) <= columnInode {
			continue
		}
		local, ok := parseEnd(c[columnLocal])
		remote, ok2 := parseEnd(c[columnRemote])
		if !ok || !ok2 {
			continue // the head
		}
		s := Socket{Protocol: protocol, Local: local, Remote: remote, inode: c[columnInode]}
		switch {
		case protocol == firewall.TCP && c[columnState] == tcpListen, protocol == firewall.UDP && c[columnState] == udpUnconnected:
			s.Listening = true
		case protocol == firewall.TCP && c[columnState] != tcpEstablished:
			continue
		}
		list = append(list, s)
	}
	return list
}

// parseEnd reads an address and a port: 0100007F:0035. Addresses are words in the order of the machine.
func parseEnd(s string) (netip.AddrPort, bool) {
	address, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(address)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.BigEndian.PutUint32(b[i:], binary.NativeEndian.Uint32(b[i:]))
	}
	a, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), ok
}

// program is one that holds a socket.
type program struct {
	name string
	pid  int
}

// programs finds the programs that hold sockets, by inode. Those of other users stay unknown to who is not root.
func programs(list []Socket) map[string]program {
	wanted := make(map[string]bool, len(list))
	for i := range list {
		wanted[list[i].inode] = true
	}
	names := map[string]program{}
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return names
	}
	for _, p := range processes {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		folder := filepath.Join("/proc", p.Name())
		files, err := os.ReadDir(filepath.Join(folder, "fd"))
		if err != nil {
			continue // gone, or somebody else's
		}
		for _, f := range files {
			to, err := os.Readlink(filepath.Join(folder, "fd", f.Name()))
			inode, ok := strings.CutPrefix(to, "socket:[")
			if inode = strings.TrimSuffix(inode, "]"); err != nil || !ok || !wanted[inode] || names[inode].pid != 0 {
				continue
			}
			name, _ := os.ReadFile(filepath.Join(folder, "comm"))
			names[inode] = program{strings.TrimSpace(string(name)), pid}
		}
	}
	return names
}

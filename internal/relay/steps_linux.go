package relay

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stepOf is the step of GitHub's runner that a process with a connection to the server
// belongs to, "" where nobody says so: other users' processes keep that to themselves.
func stepOf(client, server string) string {
	inode := socket(client, server)
	if inode == "" {
		return ""
	}
	dir := holder("socket:[" + inode + "]")
	if dir == "" {
		return ""
	}
	f, err := os.Open(filepath.Join(dir, "environ"))
	if err != nil {
		return ""
	}
	defer f.Close()
	const most = 4 << 20
	data, _ := io.ReadAll(io.LimitReader(f, most))
	for entry := range strings.SplitSeq(string(data), "\x00") {
		if name, ok := strings.CutPrefix(entry, "GITHUB_ACTION="); ok {
			return name
		}
	}
	return ""
}

// socket is the inode of the client's end of a connection (proc_pid_net(5)).
func socket(client, server string) string {
	from, err := netip.ParseAddrPort(client)
	to, err2 := netip.ParseAddrPort(server)
	if err != nil || err2 != nil {
		return ""
	}
	table := "/proc/net/tcp"
	if from.Addr().Is6() {
		table = "/proc/net/tcp6"
	}
	f, err := os.Open(table)
	if err != nil {
		return ""
	}
	defer f.Close()
	want := []string{inTable(from), inTable(to)}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && slices.Equal(fields[1:3], want) {
			return fields[9]
		}
	}
	return ""
}

// inTable is an address as the table has it: in words of the machine's byte order.
func inTable(a netip.AddrPort) string {
	b := a.Addr().AsSlice()
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	return fmt.Sprintf("%s:%04X", strings.ToUpper(hex.EncodeToString(b)), a.Port())
}

// holder is the directory of a process that has a file open.
func holder(file string) string {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	slices.Reverse(processes) // the youngest ones first, more or less
	for _, dir := range processes {
		files, _ := os.ReadDir(filepath.Join(dir, "fd")) // none of other users
		for _, f := range files {
			if to, err := os.Readlink(filepath.Join(dir, "fd", f.Name())); err == nil && to == file {
				return dir
			}
		}
	}
	return ""
}

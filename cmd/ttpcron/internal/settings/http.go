package settings

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/live"
)

const httpHostsFlag = "http-hosts"

// checkHTTP refuses an address that others than this machine can reach, unless
// that is meant.
func (c *Daemon) checkHTTP() error {
	if c.HTTP == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(c.HTTP)
	if err == nil {
		if n, perr := strconv.ParseUint(port, 10, 16); perr != nil {
			err = fmt.Errorf("%q is no port", port)
		} else if n == 0 && c.File.values["daemon.http"] != nil {
			err = errors.New("port 0 would be another one at every start")
		}
	}
	if err != nil {
		return cli.Usage(fmt.Sprintf("http is %q: %v", c.HTTP, err), "such as 127.0.0.1:9847")
	}
	if isLoopback(host) || c.HTTPExposed {
		return nil
	}
	return cli.Usage(fmt.Sprintf("http is %q, which other machines could reach", c.HTTP), "give a loopback address such as 127.0.0.1:9847, or say http-exposed too")
}

// isLoopback reports whether a host is reached from this machine alone.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// checkReport refuses a report that nothing serves, or that everybody could read who
// reaches the address. It reads the token.
func (c *Daemon) checkReport() {
	if c.HTTPTokenFile != "" {
		var err error
		if c.HTTPToken, err = live.ReadToken(c.HTTPTokenFile); err != nil {
			c.faultAt("daemon.http-token-file", "the file is for the user of the daemon and its group, such as root:ttpcron with mode 640", "http-token-file: %s", cli.Plain(err))
		}
	}
	if !c.HTTPReport {
		return
	}
	host, _, _ := net.SplitHostPort(c.HTTP)
	switch {
	case c.HTTP == "":
		c.faultAt("daemon.http-report", "name an address with http, such as 127.0.0.1:9847", "http-report is true, and no address is set that would serve it")
	case !isLoopback(host) && c.HTTPTokenFile == "":
		c.faultAt("daemon.http-report", "name a file with a token of 16 characters or more with http-token-file, or give http a loopback address", "http-report is true, and whoever reaches %s could read it", c.HTTP)
	}
}

// ReportPolicy says who may see the report.
func (c *Daemon) ReportPolicy() live.Policy {
	return live.Policy{On: c.HTTPReport, Hosts: c.HTTPHosts, Token: c.HTTPToken}
}

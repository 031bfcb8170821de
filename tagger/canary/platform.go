package canary

import (
	"net/netip"
	"strings"
)

// systemOf returns the operating system that a browser's user agent names:
// windows, macos, ios, android, linux, chromeos or bsd. It is empty for other
// clients and for systems that say nothing for certain.
func systemOf(agent string) string {
	if !strings.HasPrefix(agent, "Mozilla/") {
		return ""
	}
	open := strings.IndexByte(agent, '(')
	if open < 0 {
		return ""
	}
	system := agent[open:]
	if end := strings.IndexByte(system, ')'); end >= 0 {
		system = system[:end]
	}
	for _, s := range [...]struct{ mark, name string }{
		{"Windows Phone", ""}, {"Windows NT", "windows"}, {"iPhone", "ios"}, {"iPad", "ios"}, {"iPod", "ios"}, {"Macintosh", "macos"},
		{"Android", "android"}, {"CrOS", "chromeos"}, {"Tizen", ""}, {"FreeBSD", "bsd"}, {"OpenBSD", "bsd"}, {"Linux", "linux"},
	} {
		if strings.Contains(system, s.mark) {
			return s.name
		}
	}
	return ""
}

// platformContradicts compares navigator.platform with the system of the user
// agent. Apple's tablets and phones pose as Macs when they ask for a desktop
// site, and Android poses as Linux, which its platform also says.
func platformContradicts(system, platform string) (bad, known bool) {
	family := ""
	switch {
	case strings.HasPrefix(platform, "Win"):
		family = "windows"
	case strings.HasPrefix(platform, "Mac"):
		family = "macos"
	case strings.HasPrefix(platform, "iPhone"), strings.HasPrefix(platform, "iPad"), strings.HasPrefix(platform, "iPod"):
		family = "ios"
	case strings.HasPrefix(platform, "Linux"), strings.HasPrefix(platform, "Android"):
		family = "linux"
	case strings.Contains(platform, "BSD"):
		family = "bsd"
	}
	if system == "" || family == "" {
		return false, false
	}
	switch family {
	case "windows":
		return system != "windows", true
	case "bsd": // where browsers may call themselves Linux
		return system != "bsd" && system != "linux", true
	case "macos", "ios":
		return system != "macos" && system != "ios", true
	}
	return system != "linux" && system != "android" && system != "chromeos", true
}

// rendererContradicts compares WebGL's unmasked renderer with the system of the
// user agent, for drivers that exist on some systems only.
func rendererContradicts(system, renderer string) (bad, known bool) {
	if system == "" || renderer == "" {
		return false, false
	}
	r := strings.ToLower(renderer)
	switch {
	case strings.Contains(r, "swiftshader"): // everywhere
		return false, false
	case strings.Contains(r, "direct3d") || strings.Contains(r, "d3d11") || strings.Contains(r, "d3d9"):
		return system != "windows", true
	case strings.Contains(r, "apple m") || strings.Contains(r, "apple gpu") || strings.Contains(r, "apple a") || strings.Contains(r, "metal renderer"):
		return system != "macos" && system != "ios", true
	case strings.Contains(r, "llvmpipe") || strings.Contains(r, "mesa") || strings.Contains(r, "radeonsi") || strings.Contains(r, "nouveau"):
		return system == "windows" || system == "macos" || system == "ios", true
	case strings.Contains(r, "adreno") || strings.Contains(r, "mali-") || strings.Contains(r, "powervr") || strings.Contains(r, "immortalis"):
		// Not Windows, which runs on Adreno too; older iPhones have PowerVR.
		return system == "macos" || system == "ios" && !strings.Contains(r, "powervr"), true
	}
	return false, false
}

// softwareRenderers are drivers of machines without a graphics card: servers,
// virtual machines, containers.
var softwareRenderers = []struct{ mark, name string }{
	{"swiftshader", "swiftshader"}, {"llvmpipe", "llvmpipe"}, {"softpipe", "softpipe"}, {"basic render driver", "microsoft_basic_render"},
	{"virtualbox", "virtualbox"}, {"vmware", "vmware"}, {"svga3d", "vmware"}, {"parallels", "parallels"}, {"virgl", "virgl"}, {"qemu", "qemu"},
}

func softwareRenderer(renderer string) string {
	r := strings.ToLower(renderer)
	for _, s := range softwareRenderers {
		if strings.Contains(r, s.mark) {
			return s.name
		}
	}
	return ""
}

// addressContradicts compares the public addresses that WebRTC shows with that of the
// request. If one is equal, there is no contradiction. Others count if they are of the
// request's family and in another /16 (IPv4) or /32 (IPv6). That is a judgement: carriers
// spread a household's connections over neighbouring addresses, and there is no geography
// here.
func addressContradicts(request netip.Addr, shown []netip.Addr) (bad, known bool) {
	if !isPublic(request) {
		return false, false
	}
	bits := 16
	if request.Is6() {
		bits = 32
	}
	near, err := request.Prefix(bits)
	if err != nil {
		return false, false
	}
	for _, a := range shown {
		if !isPublic(a) || a.Is4() != request.Is4() {
			continue
		}
		if near.Contains(a) {
			return false, true
		}
		bad, known = true, true
	}
	return bad, known
}

// sharedSpace is the space of carrier-grade NAT (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// isPublic reports whether an address is one of the internet's. Those that are
// set aside for documentation count: examples use them in place of public ones.
func isPublic(a netip.Addr) bool {
	return a.IsValid() && a.IsGlobalUnicast() && !a.IsPrivate() && !sharedSpace.Contains(a)
}

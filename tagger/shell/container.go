package shell

import "strings"

// container reports the command that runs in a container, a pod or a network
// namespace: docker exec and run, kubectl exec, ip netns exec and the like.
func (b *build) container(c *call, name string) {
	words := c.words[1:]
	action := -1
	for i := range words {
		switch words[i].text {
		case "exec", "run", "debug":
			action = i
		case "netns", "compose", "container":
			continue
		}
		if action >= 0 || i > 6 {
			break
		}
	}
	if action < 0 {
		return
	}
	how, words := words[action].text, words[action+1:]
	switch name {
	case "kubectl", "oc", "lxc", "incus":
		for i := range words {
			if words[i].text == "--" {
				b.nested(c, words[i+1:], name, false)
				return
			}
		}
		return
	case "ip":
		if how == "exec" && len(words) > 1 {
			b.nested(c, words[1:], name, false)
		}
		return
	}
	var entry []word
	detached := false
	for len(words) > 0 && len(words[0].text) > 1 && words[0].text[0] == '-' {
		option := words[0].text
		words = words[1:]
		detached = detached || option == "-d" || option == "--detach"
		if text, ok := strings.CutPrefix(option, "--entrypoint="); ok {
			entry = []word{{text: text, known: true}}
		}
		if !containerTakes(option, how) || len(words) == 0 {
			continue
		}
		if option == "--entrypoint" {
			entry = words[:1:1]
		}
		words = words[1:]
	}
	if len(words) < 2 && (len(entry) == 0 || len(words) == 0) {
		return // the image's own command
	}
	b.nested(c, append(entry, words[1:]...), name, detached)
}

// containerTakes reports whether an option of docker exec or run takes the next
// argument as its value.
func containerTakes(option, how string) bool {
	if name, long := strings.CutPrefix(option, "--"); long {
		switch name {
		case "detach", "interactive", "tty", "privileged", "rm", "init", "read-only", "publish-all", "no-healthcheck",
			"oom-kill-disable", "quiet", "sig-proxy", "disable-content-trust", "latest", "replace", "sync":
			return false
		}
		return !strings.Contains(name, "=")
	}
	valued := "acehlmpuvw"
	if how == "exec" {
		valued = "euw"
	}
	return strings.IndexByte(valued, option[len(option)-1]) >= 0
}

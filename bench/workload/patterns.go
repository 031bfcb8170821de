package workload

import "strings"

var (
	patternPrograms = strings.Fields(`wget curl tftp ftpget scp rsync nc ncat socat ssh telnet chmod chown chattr crontab at systemctl
		service useradd usermod passwd chpasswd iptables nft ufw setenforce pkill killall kill nohup screen tmux perl python ruby php
		gcc make tar unzip base64 xxd openssl uname lscpu free uptime whoami id last who ifconfig netstat ss lsof nmap masscan zmap
		docker kubectl mysql mysqldump psql redis-cli dd mkfs shred history unset export insmod modprobe`)
	patternPaths = strings.Fields(`/etc/passwd /etc/shadow /etc/hosts /etc/sudoers /etc/crontab /etc/rc.local /etc/ssh/sshd_config
		/etc/ld.so.preload /root/.ssh/authorized_keys /home/ /var/log/ /var/spool/cron /var/run/ /var/tmp/ /tmp/ /dev/shm/ /dev/null
		/dev/tcp/ /proc/cpuinfo /proc/meminfo /proc/mounts /proc/self/exe /proc/net/tcp /sys/class /usr/bin/ /usr/sbin/ /boot/ /opt/
		/mnt/ /bin/busybox /lib/modules /etc/init.d/ /etc/systemd/system .bash_history .bashrc .aws/credentials .kube/config .git/config
		id_rsa wp-config.php`)
	patternForms = []string{
		`\b%P\b[^\n;|]*%F`,
		`(?i:\b%P\s+(?:-\w+\s+)*\S*%F(?:\s|/|$))`,
		`\b%P\b[^\n;&]*\|\s*(?:/bin/)?(?:ba|da|z)?sh\b`,
		`(?:^|[;&|]\s*)(?:sudo\s+)?%P\s+-\w*[rf]\w*\s`,
		`%F\S*\s*(?:;|&&)\s*%P\b`,
		`\b%P\s+(?:https?|ftp)://[^\s/]+%F`,
		`(?:^|[;&|(]\s*)(?:sudo\s+)?%P(?:\s|$)`,
	}
)

// Patterns returns n expressions, at most a few thousand, in the shape of
// DECNET's rules. They mean the same to Python, package regexp, RE2 and
// ripgrep.
func Patterns(n int) []string {
	var out []string
	for i := 0; len(out) < n; i++ {
		program := patternPrograms[i%len(patternPrograms)]
		path := patternPaths[(i*7+i/len(patternPrograms))%len(patternPaths)]
		form := patternForms[(i+i/len(patternPrograms))%len(patternForms)]
		quoted := strings.ReplaceAll(path, ".", `\.`)
		out = append(out, strings.NewReplacer("%P", program, "%F", quoted).Replace(form))
	}
	return out
}

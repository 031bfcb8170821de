package canary

import (
	"path"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// tokenKinds say what a token looks like, by the names of DECNET's generators,
// Canarytokens' token types, and DECNET's instrumenters.
var tokenKinds = map[string]string{
	"aws_creds": "aws_keys", "env_file": "env_file", "git_config": "git_config", "ssh_key": "ssh_key", "mysql_dump": "database_dump",
	"honeydoc": "document", "honeydoc_docx": "document", "honeydoc_pdf": "document", "fingerprint_html": "web_bug", "fingerprint_svg": "web_bug",

	"adobe_pdf": "document", "ms_word": "document", "ms_excel": "document", "aws_keys": "aws_keys", "aws_infra": "cloud_infrastructure",
	"azure_id": "azure_identity", "cc": "credit_card", "credit_card_v2": "credit_card", "crowdstrike_cc": "credit_card",
	"clonedsite": "cloned_site", "cssclonedsite": "cloned_site", "cmd": "sensitive_command", "dns": "dns", "fast_redirect": "web_bug",
	"slow_redirect": "web_bug", "qr_code": "web_bug", "web": "web_bug", "web_image": "web_bug", "svg": "web_bug", "pwa": "web_bug", "legacy": "web_bug",
	"idp_app": "identity_app", "kubeconfig": "kubeconfig", "log4shell": "log4shell", "mcp": "mcp_server", "my_sql": "database_dump",
	"signed_exe": "executable", "slack_api": "api_key", "smtp": "email_address", "sql_server": "database", "svn": "source_repository",
	"webdav": "network_share", "windows_dir": "folder", "windows_fake_fs": "folder", "wireguard": "vpn_config",

	"docx": "document", "xlsx": "document", "pdf": "document", "html": "web_bug", "image": "web_bug",
}

// tokenKind returns what the token looks like to its finder.
func tokenKind(p ttpcron.Payload, channel string) string {
	for _, name := range [...]string{"generator", "token_type", TokenKind, "instrumenter"} {
		value := strings.ToLower(firstText(p, name))
		if name == TokenKind && (value == "http" || value == "dns") {
			continue // how it reports
		}
		if kind := tokenKinds[value]; kind != "" {
			return kind
		}
	}
	if kind := placedKind(cut(firstText(p, "placement_path"), 4096)); kind != "" {
		return kind
	}
	switch channel {
	case "aws":
		return "aws_keys"
	case "dns":
		return "dns"
	case "http":
		return "web_bug"
	}
	return ""
}

// placedKind identifies a token's kind by the file that it was placed as.
func placedKind(file string) string {
	file = strings.ToLower(file)
	name := path.Base(file)
	switch {
	case file == "":
		return ""
	case strings.HasSuffix(file, ".aws/credentials") || strings.HasSuffix(file, ".aws/config"):
		return "aws_keys"
	case strings.HasSuffix(file, ".kube/config") || strings.Contains(name, "kubeconfig"):
		return "kubeconfig"
	case strings.HasSuffix(file, ".git/config"):
		return "git_config"
	case strings.HasPrefix(name, "id_") || strings.Contains(file, "/.ssh/"):
		return "ssh_key"
	case name == ".env" || strings.HasPrefix(name, ".env.") || strings.HasSuffix(name, ".env"):
		return "env_file"
	case strings.HasSuffix(strings.TrimSuffix(name, ".gz"), ".sql") || strings.HasSuffix(name, ".dump"):
		return "database_dump"
	}
	switch path.Ext(name) {
	case ".docx", ".doc", ".xlsx", ".xls", ".pptx", ".pdf", ".odt", ".ods":
		return "document"
	case ".html", ".htm", ".svg", ".png", ".gif", ".jpg":
		return "web_bug"
	}
	return ""
}

// dnsHints are labels of a queried name that say how a token was used: those of
// Canarytokens (L4J, CMD, INI) and plain words that operators put there.
var dnsHints = map[string]string{
	"l4j": "log4shell", "cmd": "sensitive_command", "ini": "folder", "ssh": "ssh", "sftp": "ssh", "git": "git", "aws": "aws", "s3": "aws", "env": "env",
	"sql": "database", "mysql": "database", "pgsql": "database", "restore": "database", "backup": "backup", "vpn": "vpn", "rdp": "remote_desktop",
	"smb": "network_share", "ldap": "directory", "kube": "kubernetes", "k8s": "kubernetes", "smtp": "mail", "mail": "mail",
}

// dnsHint returns what the first meaningful label of a name says. The last two labels are
// the zone's.
func dnsHint(qname string) string {
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(qname, ".")), ".")
	for i, label := range labels {
		if i >= 16 || i >= len(labels)-2 {
			break
		}
		if hint := dnsHints[label]; hint != "" {
			return hint
		}
	}
	return ""
}

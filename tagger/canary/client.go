package canary

import "strings"

// What sort of client made a request. Scanners, link previews and mail gateways
// open links by themselves and are no attackers; a resolver asks on behalf of
// somebody.
const (
	ClassBrowser     = "browser"
	ClassAutomation  = "automation"   // a browser that a program drives, or without a screen
	ClassHTTPLibrary = "http_library" // a download tool, command-line client or library
	ClassOffice      = "office"       // an office program that opened a document
	ClassScanner     = "scanner"      // an internet-wide scanner, crawler or vulnerability scanner
	ClassLinkPreview = "link_preview" // a chat or social network that shows what is behind a link
	ClassMailGateway = "mail_gateway" // a mail filter or the image proxy of a mail service
	ClassResolver    = "resolver"
	ClassUnknown     = "unknown"
)

// clientMark is a piece of a user agent that identifies the client.
type clientMark struct {
	text  string // in lower case
	class string
	name  string
}

// clientMarks are tried in this order, the more specific first: link previews and scanners
// often claim to be browsers too. The texts are those that the products document or are
// known to send.
var clientMarks = []clientMark{
	// Automation and headless browsers.
	{"headlesschrome", ClassAutomation, "headless_chrome"},
	{"phantomjs", ClassAutomation, "phantomjs"},
	{"slimerjs", ClassAutomation, "slimerjs"},
	{"puppeteer", ClassAutomation, "puppeteer"},
	{"playwright", ClassAutomation, "playwright"},
	{"selenium", ClassAutomation, "selenium"},
	{"webdriver", ClassAutomation, "webdriver"},
	{"cypress/", ClassAutomation, "cypress"},
	{"htmlunit", ClassAutomation, "htmlunit"},
	{"jsdom/", ClassAutomation, "jsdom"},
	{"happydom", ClassAutomation, "happy_dom"},
	{"splash ", ClassAutomation, "splash"},

	// Link previews.
	{"slackbot", ClassLinkPreview, "slack"},
	{"slack-imgproxy", ClassLinkPreview, "slack"},
	{"twitterbot", ClassLinkPreview, "twitter"},
	{"facebookexternalhit", ClassLinkPreview, "facebook"},
	{"facebot", ClassLinkPreview, "facebook"},
	{"meta-externalagent", ClassLinkPreview, "facebook"},
	{"linkedinbot", ClassLinkPreview, "linkedin"},
	{"discordbot", ClassLinkPreview, "discord"},
	{"telegrambot", ClassLinkPreview, "telegram"},
	{"whatsapp/", ClassLinkPreview, "whatsapp"},
	{"skypeuripreview", ClassLinkPreview, "skype"},
	{"microsoftpreview", ClassLinkPreview, "microsoft_teams"},
	{"teams/", ClassLinkPreview, "microsoft_teams"},
	{"redditbot", ClassLinkPreview, "reddit"},
	{"pinterestbot", ClassLinkPreview, "pinterest"},
	{"mastodon/", ClassLinkPreview, "mastodon"},
	{"mattermost", ClassLinkPreview, "mattermost"},
	{"iframely", ClassLinkPreview, "iframely"},
	{"embedly", ClassLinkPreview, "embedly"},
	{"synapse", ClassLinkPreview, "matrix"},
	{"vkshare", ClassLinkPreview, "vk"},
	{"line-poker", ClassLinkPreview, "line"},
	{"zoombot", ClassLinkPreview, "zoom"},
	{"google-pagerenderer", ClassLinkPreview, "google"},

	// Mail gateways and image proxies.
	{"googleimageproxy", ClassMailGateway, "gmail"},
	{"yahoomailproxy", ClassMailGateway, "yahoo"},
	{"barracuda", ClassMailGateway, "barracuda"},
	{"mimecast", ClassMailGateway, "mimecast"},
	{"proofpoint", ClassMailGateway, "proofpoint"},
	{"ironport", ClassMailGateway, "ironport"},
	{"trendmicro", ClassMailGateway, "trend_micro"},
	{"symantec", ClassMailGateway, "symantec"},
	{"fireeye", ClassMailGateway, "fireeye"},
	{"safelinks", ClassMailGateway, "microsoft_safe_links"},
	{"bitdefender", ClassMailGateway, "bitdefender"},
	{"sophos", ClassMailGateway, "sophos"},
	{"avanan", ClassMailGateway, "avanan"},

	// Scanners and crawlers.
	{"nmap scripting engine", ClassScanner, "nmap"},
	{"masscan", ClassScanner, "masscan"},
	{"zgrab", ClassScanner, "zgrab"},
	{"nuclei", ClassScanner, "nuclei"},
	{"nikto", ClassScanner, "nikto"},
	{"sqlmap", ClassScanner, "sqlmap"},
	{"wpscan", ClassScanner, "wpscan"},
	{"acunetix", ClassScanner, "acunetix"},
	{"nessus", ClassScanner, "nessus"},
	{"openvas", ClassScanner, "openvas"},
	{"qualys", ClassScanner, "qualys"},
	{"dirbuster", ClassScanner, "dirbuster"},
	{"gobuster", ClassScanner, "gobuster"},
	{"feroxbuster", ClassScanner, "feroxbuster"},
	{"fuzz faster u fool", ClassScanner, "ffuf"},
	{"wfuzz", ClassScanner, "wfuzz"},
	{"httpx - open-source", ClassScanner, "httpx"},
	{"whatweb", ClassScanner, "whatweb"},
	{"l9explore", ClassScanner, "leakix"},
	{"l9tcpid", ClassScanner, "leakix"},
	{"leakix", ClassScanner, "leakix"},
	{"censysinspect", ClassScanner, "censys"},
	{"shodan", ClassScanner, "shodan"},
	{"expanse", ClassScanner, "expanse"},
	{"internetmeasurement", ClassScanner, "internet_measurement"},
	{"internet-measurement", ClassScanner, "internet_measurement"},
	{"netcraft", ClassScanner, "netcraft"},
	{"zoomeye", ClassScanner, "zoomeye"},
	{"fofa", ClassScanner, "fofa"},
	{"binaryedge", ClassScanner, "binaryedge"},
	{"shadowserver", ClassScanner, "shadowserver"},
	{"onyphe", ClassScanner, "onyphe"},
	{"paloalto", ClassScanner, "palo_alto"},
	{"urlscan", ClassScanner, "urlscan"},
	{"virustotal", ClassScanner, "virustotal"},
	{"trufflehog", ClassScanner, "trufflehog"},
	{"gitleaks", ClassScanner, "gitleaks"},
	{"googlebot", ClassScanner, "google"},
	{"bingbot", ClassScanner, "bing"},
	{"bingpreview", ClassLinkPreview, "bing"},
	{"yandexbot", ClassScanner, "yandex"},
	{"baiduspider", ClassScanner, "baidu"},
	{"duckduckbot", ClassScanner, "duckduckgo"},
	{"applebot", ClassScanner, "apple"},
	{"petalbot", ClassScanner, "petal"},
	{"bytespider", ClassScanner, "bytedance"},
	{"semrushbot", ClassScanner, "semrush"},
	{"ahrefsbot", ClassScanner, "ahrefs"},
	{"mj12bot", ClassScanner, "majestic"},
	{"gptbot", ClassScanner, "openai"},
	{"claudebot", ClassScanner, "anthropic"},
	{"ccbot", ClassScanner, "common_crawl"},
	{"archive.org_bot", ClassScanner, "internet_archive"},

	// Command-line clients and libraries.
	{"aws-cli/", ClassHTTPLibrary, "aws-cli"},
	{"boto3/", ClassHTTPLibrary, "boto3"},
	{"botocore/", ClassHTTPLibrary, "boto3"},
	{"aws-sdk-", ClassHTTPLibrary, "aws-sdk"},
	{"pacu", ClassHTTPLibrary, "pacu"},
	{"terraform", ClassHTTPLibrary, "terraform"},
	{"kubectl/", ClassHTTPLibrary, "kubectl"},
	{"azure-cli", ClassHTTPLibrary, "azure-cli"},
	{"azurecli/", ClassHTTPLibrary, "azure-cli"},
	{"google-cloud-sdk", ClassHTTPLibrary, "gcloud"},
	{"rclone/", ClassHTTPLibrary, "rclone"},
	{"git/", ClassHTTPLibrary, "git"},
	{"jgit/", ClassHTTPLibrary, "git"},
	{"svn/", ClassHTTPLibrary, "svn"},
	{"mysql-connector", ClassHTTPLibrary, "mysql-connector"},
	{"docker/", ClassHTTPLibrary, "docker"},
	{"davclnt", ClassHTTPLibrary, "windows_webdav"},
	{"webdav-miniredir", ClassHTTPLibrary, "windows_webdav"},
	{"microsoft bits/", ClassHTTPLibrary, "bits"},
	{"certutil", ClassHTTPLibrary, "certutil"},
	{"cryptoapi", ClassHTTPLibrary, "cryptoapi"},
	{"windowspowershell/", ClassHTTPLibrary, "powershell"},
	{"powershell/", ClassHTTPLibrary, "powershell"},
	{"python-requests/", ClassHTTPLibrary, "python-requests"},
	{"python-urllib", ClassHTTPLibrary, "python-urllib"},
	{"python-httpx/", ClassHTTPLibrary, "python-httpx"},
	{"aiohttp/", ClassHTTPLibrary, "aiohttp"},
	{"scrapy/", ClassHTTPLibrary, "scrapy"},
	{"go-http-client/", ClassHTTPLibrary, "go-http-client"},
	{"fasthttp", ClassHTTPLibrary, "fasthttp"},
	{"go-resty/", ClassHTTPLibrary, "go-resty"},
	{"curl/", ClassHTTPLibrary, "curl"},
	{"libcurl", ClassHTTPLibrary, "curl"},
	{"wget/", ClassHTTPLibrary, "wget"},
	{"wget2/", ClassHTTPLibrary, "wget"},
	{"busybox", ClassHTTPLibrary, "busybox"},
	{"aria2/", ClassHTTPLibrary, "aria2"},
	{"axel/", ClassHTTPLibrary, "axel"},
	{"httpie/", ClassHTTPLibrary, "httpie"},
	{"okhttp", ClassHTTPLibrary, "okhttp"},
	{"apache-httpclient", ClassHTTPLibrary, "apache-httpclient"},
	{"java/", ClassHTTPLibrary, "java"},
	{"libwww-perl", ClassHTTPLibrary, "libwww-perl"},
	{"lwp::simple", ClassHTTPLibrary, "libwww-perl"},
	{"axios/", ClassHTTPLibrary, "axios"},
	{"node-fetch", ClassHTTPLibrary, "node-fetch"},
	{"got (", ClassHTTPLibrary, "got"},
	{"undici", ClassHTTPLibrary, "undici"},
	{"guzzlehttp", ClassHTTPLibrary, "guzzle"},
	{"php/", ClassHTTPLibrary, "php"},
	{"ruby", ClassHTTPLibrary, "ruby"},
	{"winhttp", ClassHTTPLibrary, "winhttp"},
	{"postmanruntime/", ClassHTTPLibrary, "postman"},
	{"insomnia/", ClassHTTPLibrary, "insomnia"},

	// Office programs.
	{"ms-office", ClassOffice, "microsoft_office"},
	{"msoffice", ClassOffice, "microsoft_office"},
	{"microsoft office", ClassOffice, "microsoft_office"},
	{"microsoft outlook", ClassOffice, "microsoft_office"},
	{"libreoffice", ClassOffice, "libreoffice"},
	{"openoffice", ClassOffice, "openoffice"},
	{"wps office", ClassOffice, "wps_office"},
	{"acrobat", ClassOffice, "adobe_acrobat"},
	{"foxit", ClassOffice, "foxit"},
	{"thunderbird/", ClassOffice, "thunderbird"},
}

// browserMarks identify the browser in a user agent that begins with Mozilla/ or Opera/.
// Those that claim to be others come first.
var browserMarks = []clientMark{
	{"edg/", ClassBrowser, "edge"}, {"edga/", ClassBrowser, "edge"}, {"edgios/", ClassBrowser, "edge"}, {"edge/", ClassBrowser, "edge"},
	{"opr/", ClassBrowser, "opera"}, {"opera", ClassBrowser, "opera"}, {"yabrowser/", ClassBrowser, "yandex_browser"},
	{"samsungbrowser/", ClassBrowser, "samsung_internet"}, {"vivaldi/", ClassBrowser, "vivaldi"}, {"firefox/", ClassBrowser, "firefox"},
	{"fxios/", ClassBrowser, "firefox"}, {"crios/", ClassBrowser, "chrome"}, {"chromium/", ClassBrowser, "chromium"}, {"chrome/", ClassBrowser, "chrome"},
	{"trident/", ClassBrowser, "internet_explorer"}, {"msie ", ClassBrowser, "internet_explorer"}, {"safari/", ClassBrowser, "safari"},
}

// client returns the class and name of the client according to its user agent. Both are
// empty without a user agent; the class is unknown if nothing in it is recognised.
func client(agent string) (class, name string) {
	if agent == "" {
		return "", ""
	}
	lower := strings.ToLower(agent)
	for i := range clientMarks {
		if m := &clientMarks[i]; strings.Contains(lower, m.text) {
			return m.class, m.name
		}
	}
	if strings.HasPrefix(lower, "mozilla/") || strings.HasPrefix(lower, "opera/") {
		for i := range browserMarks {
			if m := &browserMarks[i]; strings.Contains(lower, m.text) {
				return m.class, m.name
			}
		}
	}
	return ClassUnknown, ""
}

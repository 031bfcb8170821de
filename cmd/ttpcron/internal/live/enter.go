package live

import (
	"crypto/subtle"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// letIn answers a client without the token, and returns false. A token in the URL becomes
// a cookie, and the answer redirects to the URL without it, so that it does not stay in
// the browser's history.
func (d *Door) letIn(w http.ResponseWriter, r *http.Request, p *Policy) bool {
	token, inURL, any := given(r)
	if !p.Token.Needed() || d.hasCookie(r, p) {
		if inURL {
			leadTo(w)
		}
		return !inURL
	}
	if !any {
		d.ask(w, r, http.StatusUnauthorized, "The report asks for a token.")
		return false
	}
	addr := from(r)
	if wait := d.s.tries.begin(addr, d.s.o.Now()); wait > 0 {
		d.s.refuse(RefusedSlow, "a token was not looked at: too many wrong ones came before", r, "")
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		d.ask(w, r, http.StatusTooManyRequests, "Too many wrong tokens came from where you are. Try again in a few seconds.")
		return false
	}
	if !p.Token.is(token) {
		d.s.refuse(RefusedToken, "a request was refused: its token is wrong", r, "")
		d.ask(w, r, http.StatusUnauthorized, "The token is wrong.")
		return false
	}
	d.s.tries.forget(addr)
	if inURL {
		d.setCookie(w, r, p.Token.proof(d.s.key), 0)
		leadTo(w)
	}
	return !inURL
}

// leadTo leads to the page.
func leadTo(w http.ResponseWriter) {
	w.Header().Set("Location", here)
	say(w, http.StatusSeeOther, "The report is at "+here)
}

// cookie is the cookie's name. Browsers do not distinguish ports, and another daemon may
// have another port.
func (d *Door) cookie() string { return "ttpcron_" + strconv.Itoa(int(d.at.addr.Port())) }

// hasCookie reports whether a request brings the proof that its sender knew the token. One
// that is wrong is none: it is left from before a restart, or from before another token.
func (d *Door) hasCookie(r *http.Request, p *Policy) bool {
	for _, c := range r.CookiesNamed(d.cookie()) {
		if subtle.ConstantTimeCompare([]byte(c.Value), []byte(p.Token.proof(d.s.key))) == 1 {
			return true
		}
	}
	return false
}

// setCookie sets the cookie where the page is. The path is left to the browser, since a
// proxy may have the page under another one.
func (d *Door) setCookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: d.cookie(), Value: value, MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https"), // a proxy before it speaks TLS
	})
}

// form asks for a token. All its text is the program's own.
const form = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>ttpcron report</title>
<main>
<h1>ttpcron report</h1>
<p role="status">%SAID%</p>
<form action="` + here + `">
<p><label>Token <input type="password" name="token" autocomplete="current-password" autofocus required></label> <button>Show the report</button></p>
</form>
<p>It is in the file that <code>http-token-file</code> names in the config of the daemon. Programs send it as <code>Authorization: Bearer TOKEN</code>.</p>
</main>
</html>
`

// ask answers with words of the program, and asks a person for the token.
func (d *Door) ask(w http.ResponseWriter, r *http.Request, status int, said string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="ttpcron"`)
	if len(r.CookiesNamed(d.cookie())) > 0 {
		d.setCookie(w, r, "", -1) // it is of no use any more
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		say(w, status, said+" Send it as Authorization: Bearer TOKEN.")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(strings.Replace(form, "%SAID%", said, 1)))
}

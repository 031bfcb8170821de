// Reads a folder that `ttpcron export --format parquet` wrote with hyparquet, a reader in
// JavaScript that has nothing in common with ours, and compares each row with what
// `ttpcron tags --json` says: node parquet.mjs FOLDER TAGS.jsonl
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

const [folder, lines] = process.argv.slice(2)
// A byte that is not UTF-8 is \udcNN in JSON, and \xNN in Parquet.
const unicode = s => s && s.replace(/[\udc80-\udcff]/g, (c, at) => {
  const before = s.charCodeAt(at - 1)
  return before >= 0xd800 && before < 0xdc00 ? c : '\\x' + (c.charCodeAt(0) - 0xdc00).toString(16)
})
const micros = t => t.slice(0, 19) + '.' + (t.slice(20, -1) + '000000').slice(0, 6)
const same = r => JSON.stringify([r.uuid, r.source_kind, r.source_id, r.attacker_ip, r.attacker_uuid, r.identity_uuid, unicode(r.session_id), r.decky_id, r.tactic, r.tactic_name,
  r.technique_id, r.sub_technique_id, r.technique_name, r.level, r.confidence, r.rule_id, r.rule_version, unicode(r.text), r.attack_release, r.attacker_mark, r.checked ?? true, r.time])

const want = readFileSync(lines, 'utf8').split('\n').filter(Boolean).map(line => {
  const t = JSON.parse(line)
  return { ...t, text: t.text ?? '', technique_name: t.technique_name ?? '', time: micros(t.event_time) }
})
const got = []
for (const day of readdirSync(folder).filter(f => f.startsWith('date=')).sort().reverse()) {
  const file = await asyncBufferFromFile(`${folder}/${day}/part-0.parquet`)
  for (const r of await parquetReadObjects({ file, compressors, parsers: { timestampFromMicroseconds: n => n } })) {
    const ms = new Date(Number(r.event_time / 1000n)).toISOString()
    if (ms.slice(0, 10) !== day.slice(5)) throw new Error(`a row of ${ms} is in ${day}`)
    JSON.parse(r.evidence)
    got.push({ ...r, time: ms.slice(0, -1) + String(r.event_time % 1000n).padStart(3, '0') })
  }
}
const digest = rows => createHash('sha256').update(rows.map(same).join('\n')).digest('hex')
console.log(`tags --json: ${want.length} rows, ${digest(want)}`)
console.log(`parquet:     ${got.length} rows, ${digest(got)}`)
if (got.length !== want.length || digest(got) !== digest(want)) {
  const at = want.findIndex((w, i) => !got[i] || same(w) !== same(got[i]))
  console.log(`first difference at row ${at}:\n${want[at] && same(want[at])}\n${got[at] && same(got[at])}`)
  process.exit(1)
}

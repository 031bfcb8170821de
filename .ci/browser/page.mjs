// Looks at the page of `ttpcron report` in a browser as those do who are given it: it
// filters, clicks, types, saves, and compares with what the program says.
//
//	node page.mjs PROGRAM FOLDER
//
// PROGRAM is ttpcron, FOLDER holds seen.db, which has tags; the rest is made there.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'
import { attacks, hostileEvents } from './hostile.mjs'

const [program, folder] = process.argv.slice(2)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const run = (...args) => execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] })
const number = text => Number(text.replace(/,/g, ''))

function assert(holds, what) {
  if (!holds) throw new Error(what)
}
function same(got, want, what) {
  assert(JSON.stringify(got) === JSON.stringify(want), `${what}: ${JSON.stringify(got)}, want ${JSON.stringify(want)}`)
}

// comes waits until something is as wanted, for ten seconds.
async function comes(get, want, what) {
  let got
  for (const end = Date.now() + 10000; Date.now() < end; await new Promise(done => setTimeout(done, 50))) {
    if (JSON.stringify(got = await get()) === JSON.stringify(want)) return
  }
  same(got, want, what)
}

// The stores and their pages.

const seen = `${folder}/seen.db`, hostile = `${folder}/hostile.db`
writeFileSync(`${folder}/hostile.jsonl`, hostileEvents())
run('run-once', '--embedded', '--db', hostile, '--input', `${folder}/hostile.jsonl`)
run('report', '--db', seen, '-o', `${folder}/seen.html`)
run('report', '--db', hostile, '-o', `${folder}/hostile.html`, '--with-passwords', '--new-since', '2026-01-01')
run('report', '--db', seen, '-o', `${folder}/small.html`, '--rows', '10', '--stories', '3', '--since', '2026-06-01')
const nameless = `${folder}/nameless.db`
writeFileSync(`${folder}/nameless.jsonl`, [1, 2, 3, 4].map(i => JSON.stringify({
  source_kind: 'command', time: `2026-05-0${i}T00:00:00Z`, attacker_ip: `203.0.113.${i}`, session_id: `s${i}`, decky_id: i === 4 ? 'hp-1' : null, payload: { command_text: 'uname -a' } })).join('\n') + '\n')
run('run-once', '--embedded', '--db', nameless, '--input', `${folder}/nameless.jsonl`)
run('report', '--db', nameless, '-o', `${folder}/nameless.html`, '--rows', '2')
run('report', '--db', seen, '-o', `${folder}/empty.html`, '--since', '2099-01-01')
const known = (...args) => run(...args, '--db', seen, '--json', '--limit', '0').split('\n').filter(Boolean).map(line => JSON.parse(line))
const tagsOf = (...flags) => known('tags', ...flags)

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox'] })

// look opens a page, does something there, and holds that the page kept to itself: no
// request to anything but itself, no error, nothing that its policy had to stop.
async function look(file, options, act) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, reducedMotion: 'reduce', ...options })
  const page = await context.newPage(), wrong = []
  const url = `file://${folder}/${file}.html`
  page.on('console', m => { if (['error', 'warning'].includes(m.type())) wrong.push(`console: ${m.text()}`) })
  page.on('pageerror', e => wrong.push(`error: ${e.message}`))
  page.on('request', r => { if (!/^(blob|data):/.test(r.url()) && r.url().split('#')[0] !== url) wrong.push(`asked for ${r.url()}`) })
  page.on('dialog', d => { wrong.push(`dialog: ${d.message()}`); d.dismiss() })
  await page.addInitScript(() => {
    window.stopped = []
    document.addEventListener('securitypolicyviolation', e => window.stopped.push(`${e.violatedDirective}: ${e.blockedURI} ${e.sample}`))
  })
  await page.goto(url + (options.hash || ''))
  try {
    await act(page, context)
    if (options.javaScriptEnabled !== false) wrong.push(...(await page.evaluate(() => window.stopped)).map(v => `stopped: ${v}`))
  } finally {
    await context.close()
  }
  same(wrong, [], 'the page did what it must not')
}

const shown = async page => number(/^(?:All )?([\d,]+)/.exec(await page.locator('#shown').textContent())[1])
// settled waits as the page does, which waits for more to be typed.
const settled = page => page.evaluate(() => new Promise(done => setTimeout(done, 250)))
async function set(page, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const field = page.locator(`#filters [name="${name}"]`)
    if (['from', 'to', 'attacker', 'technique'].includes(name)) await field.fill(value)
    else await field.selectOption(value)
  }
  await settled(page)
}
const counts = page => page.evaluate(() => {
  const sum = list => list.reduce((a, b) => a + b, 0)
  const numbers = (selector, column) => Array.from(document.querySelectorAll(selector), e => Number(e.cells[column].textContent.replace(/,/g, '')))
  const tags = name => numbers(`table[data-table=${name}] tbody tr`, Array.from(document.querySelectorAll(`table[data-table=${name}] thead th`), e => e.textContent.trim()).indexOf('Tags'))
  return {
    matrix: sum(Array.from(document.querySelectorAll('.matrix [data-t]'), e => e.matches('summary') ? 0 : Number(e.querySelector('.count').textContent.replace(/,/g, '')))),
    families: sum(Array.from(document.querySelectorAll('.matrix > li > ol > li > .cell[data-t], .matrix > li > ol > li > details > summary'), e => Number(e.querySelector('.count').textContent.replace(/,/g, '')))),
    techniques: sum(tags('techniques')),
    days: sum(tags('days')),
    bars: sum(Array.from(document.querySelectorAll('#days-svg .bar title'), e => Number(/: ([\d,]+) tags?/.exec(e.textContent)[1].replace(/,/g, '')))),
    hours: sum(Array.from(document.querySelectorAll('#hours-svg .hour title'), e => Number(/: ([\d,]+) tags?$/.exec(e.textContent)[1].replace(/,/g, '')))),
    weekdays: sum(Array.from(document.querySelectorAll('#hours-svg .sum'), e => Number(e.textContent.replace(/,/g, ''))).slice(0, 7))
  }
})
async function download(page, button) {
  const [file] = await Promise.all([page.waitForEvent('download'), page.locator(button).click()])
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) }
}
const axeOf = async page => {
  await page.evaluate(axe)
  return page.evaluate(async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
    .map(v => `${v.id} (${v.impact}): ${v.nodes.slice(0, 4).map(n => n.html.slice(0, 160)).join(' | ')} [${v.nodes.length}]`))
}
const overflow = page => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
const openAll = page => page.evaluate(() => document.querySelectorAll('details').forEach(d => { d.open = true }))

// csvRows reads CSV as RFC 4180 has it.
function csvRows(text) {
  const rows = [[]]
  let at = 0
  while (at < text.length) {
    let cell = ''
    if (text[at] === '"') {
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (text[at] === '"') at++
        cell += text[at]
        assert(at < text.length, 'a quote is not closed')
      }
      at++
    } else {
      while (at < text.length && !',\r'.includes(text[at])) {
        assert(!'"\n'.includes(text[at]), `a cell that had to be quoted: ${text.slice(at - 20, at + 20)}`)
        cell += text[at++]
      }
    }
    rows[rows.length - 1].push(cell)
    if (text[at] === ',') at++
    else {
      assert(text.slice(at, at + 2) === '\r\n', `a row ends with ${JSON.stringify(text.slice(at, at + 2))}`)
      at += 2
      if (at < text.length) rows.push([])
    }
  }
  return rows
}

// What is tested.

const tests = {
  async 'counts agree with the program, under each filter'() {
    const all = tagsOf()
    const most = key => { // its values, the most frequent first
      const times = {}
      for (const t of all) times[key(t)] = (times[key(t)] || 0) + 1
      return Object.keys(times).sort((a, b) => times[b] - times[a])
    }
    const sensor = most(t => t.decky_id)[0], attacker = most(t => t.attacker_ip)[1], tactic = most(t => t.tactic)[0]
    const sub = most(t => t.sub_technique_id || '').find(id => id), parent = sub.split('.')[0]
    const days = most(t => t.event_time.slice(0, 10)).sort(), from = days[1], to = days[days.length - 2]
    const after = new Date(Date.parse(to) + 864e5).toISOString().slice(0, 10)
    await look('seen', {}, async page => {
      const plain = await counts(page)
      same(plain, { matrix: all.length, families: all.length, techniques: all.length, days: all.length, bars: all.length, hours: all.length, weekdays: all.length }, 'tags without a filter')
      const cases = [
        [{ sensor: { label: sensor } }, ['--sensor', sensor], true],
        [{ attacker }, ['--attacker', attacker]],
        [{ tactic }, ['--tactic', tactic], true],
        [{ level: '4' }, ['--min-level', 'high'], true],
        [{ technique: sub }, ['--technique', sub]],
        [{ technique: parent.toLowerCase(), level: '2' }, ['--technique', parent, '--min-level', 'low']],
        [{ from }, ['--since', from]],
        [{ to }, ['--until', after]],
        [{ sensor: { label: sensor }, tactic, level: '2', from, to }, ['--sensor', sensor, '--tactic', tactic, '--min-level', 'low', '--since', from, '--until', after]]
      ]
      // Several at once, of those that are told apart.
      const told = new Set(await page.evaluate(() => JSON.parse(document.getElementById('data').textContent).attackers)), begin = attacker.slice(0, 5)
      await set(page, { attacker: begin })
      same(await shown(page), all.filter(t => told.has(t.attacker_ip) && t.attacker_ip.startsWith(begin)).length, `attackers whose address begins with ${begin}`)
      await set(page, { attacker: '' })
      for (const [fields, flags, alsoHours] of cases) {
        await set(page, fields)
        const want = tagsOf(...flags).length, got = await counts(page)
        assert(want > 0 && want < all.length, `${flags} selects ${want} tags of ${all.length}`)
        for (const what of ['matrix', 'families', 'techniques', 'bars', ...alsoHours ? ['hours', 'weekdays'] : []]) same(got[what], want, `${what} under ${flags}`)
        same(await shown(page), want, `the sentence under ${flags}`)
        await page.locator('#status [type=reset]').click()
        await settled(page)
        same(await counts(page), plain, 'tags after a reset')
      }
    })
  },

  async 'rows are filtered, and say so'() {
    await look('seen', {}, async page => {
      const rows = page.locator('table[data-table=attackers] tbody tr:visible')
      const before = await rows.count(), name = await rows.nth(1).locator('th bdi').innerText()
      await set(page, { attacker: name })
      same(await rows.count(), 1, `rows of attacker ${name}`)
      assert((await rows.first().innerText()).includes(name), 'another attacker is shown')
      const said = await page.locator('table[data-table=attackers]').evaluate(t => t.closest('.scroll').previousElementSibling.textContent)
      assert(said.includes(`1 of ${before} rows match`), `the table says ${said}`)
      const others = await page.locator('#techniques .evidence li:not([hidden])').evaluateAll((list, name) => list.filter(e => !e.textContent.includes(name)).length, name)
      same(others, 0, 'evidence of others')
      assert((await page.locator('#shown').getAttribute('aria-live')) === 'polite', 'nobody hears of it')
    })
  },

  async 'what a filter changes, and what it does not'() {
    await look('seen', {}, async page => {
      const still = () => page.locator('.still:visible').count()
      const rows = () => page.locator('table[data-table=attackers]').evaluate(t => {
        const at = Array.from(t.tHead.rows[0].cells, e => e.textContent.trim()), tags = at.indexOf('Tags'), events = at.indexOf('Events')
        return Array.from(t.tBodies[0].rows, row => ({
          name: row.querySelector('th bdi').textContent, tags: Number(row.cells[tags].textContent), hidden: row.hidden,
          grey: getComputedStyle(row.cells[events]).color, plain: getComputedStyle(row.cells[tags]).color
        }))
      })
      const before = await rows(), fact = page.locator('.masthead .facts dd', { hasText: 'all of the store' })
      assert(await still() === 0 && await fact.isVisible() && before.every(r => r.grey === r.plain), 'a page without a filter speaks of filters')
      await set(page, { sensor: { label: 'hp-ams-1' }, tactic: 'TA0002', level: '3' })
      const want = new Map(known('attackers', '--sensor', 'hp-ams-1', '--tactic', 'TA0002', '--min-level', 'medium').map(a => [a.attacker, a.tags])), now = await rows()
      for (const r of now) same(r.hidden ? undefined : r.tags, want.get(r.name), `tags of ${r.name}`)
      assert(now.some(r => r.hidden) && now.some(r => !r.hidden), 'all attackers, or none')
      const row = now.find(r => !r.hidden)
      assert(row.grey !== row.plain, 'what is counted anew looks like what is not')
      assert((await page.locator('#attackers .rows').textContent()).includes('numbers in grey, levels and times are of the whole report'), 'nothing says what is grey')
      same(await still(), 2, 'sections that say that they stay')
      const set1 = 'set here: sensor hp-ams-1, tactic Execution, level medium or higher'
      same(await page.locator('.masthead dd:has(#asked)').innerText(), set1, 'filters in the head')
      // The line stays in sight, and the reset with it.
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight / 2))
      const line = await page.locator('#status').boundingBox()
      assert(line.y >= 0 && line.y < 60, `the line is at ${line.y}`)
      same((await page.locator('#shown').innerText()).replace(/^.* match: /, ''), set1.slice(10) + '.', 'the line says')
      await page.locator('#status [type=reset]').click()
      await settled(page)
      same([await still(), await rows(), await fact.isVisible()], [0, before, true], 'after a reset')
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight / 2))
      assert((await page.locator('#status').boundingBox()).y < 0, 'the line stays without a filter')
      // A date that is half typed.
      await page.locator('#f-from').focus()
      await page.keyboard.type('11')
      await settled(page)
      assert(/^All .*The date “from” is not complete, and not used\.$/.test(await page.locator('#shown').innerText()), `half a date: ${await page.locator('#shown').innerText()}`)
      await page.locator('#status [type=reset]').click()
      await settled(page)
      assert(!(await page.locator('#shown').innerText()).includes('date'), 'half a date after a reset')
    })
  },

  async 'the navigation marks where one is'() {
    for (const viewport of [{ width: 1400, height: 900 }, { width: 390, height: 800 }]) {
      await look('small', { viewport }, async page => {
        // The browser scrolls when it comes to it, which a busy machine may put off for long.
        const marks = (to, what) => comes(() => page.locator('nav.sections [aria-current]').evaluateAll(list => list.map(e => e.getAttribute('href'))), [to], what)
        await marks('#overview', 'at the start')
        for (const to of await page.locator('nav.sections a').evaluateAll(list => list.map(e => e.getAttribute('href')))) {
          await page.locator(`nav.sections a[href="${to}"]`).click()
          await marks(to, `after a jump to ${to}, ${viewport.width} wide`)
          await settled(page)
          await marks(to, `some time after a jump to ${to}, ${viewport.width} wide`)
        }
        await page.evaluate(() => document.getElementById('sessions').scrollIntoView())
        await marks('#sessions', 'after scrolling')
        const box = await page.locator('nav.sections [aria-current]').boundingBox()
        assert(box.x >= 0 && box.x + box.width <= viewport.width, 'the marked one is out of sight')
      })
    }
  },

  async 'links lead from a technique to who did it, and to their sessions'() {
    const listed = page => page.locator('table[data-table=attackers] tbody tr:visible th bdi').allInnerTexts()
    await look('seen', {}, async page => {
      const evidence = page.locator('#techniques details.tech').nth(3), id = await evidence.locator('.tid').innerText()
      await evidence.locator('summary').click()
      await evidence.locator('a:text-is("Filter by it: who did this?")').click()
      await settled(page)
      same(await page.locator('#f-technique').inputValue(), id, 'the technique that is filtered by')
      const did = (await listed(page)).sort(), who = known('attackers', '--technique', id).map(a => a.attacker)
      const all = await page.locator('table[data-table=attackers] tbody th bdi').allTextContents()
      same(did, all.filter(a => who.includes(a)).sort(), `attackers with ${id}`)
      assert(did.length > 0 && did.length < all.length, `${did.length} of ${all.length} attackers did it`)
      assert(await page.evaluate(() => Math.abs(document.getElementById('attackers').getBoundingClientRect().top) < 200), 'the attackers are not in sight')
      assert(await page.evaluate(() => document.activeElement.id === 'attackers'), 'the keyboard goes on elsewhere')
      // Once more, from the same place.
      await page.evaluate(() => scrollTo(0, 0))
      await evidence.locator('a:text-is("Filter by it: who did this?")').evaluate(a => a.click())
      await settled(page)
      assert(await page.evaluate(() => Math.abs(document.getElementById('attackers').getBoundingClientRect().top) < 200), 'a link is followed once alone')
      const view = page.url()
      await page.locator('table[data-table=attackers] tbody tr:visible th a').first().click()
      await settled(page)
      same([await page.locator('#f-attacker').inputValue(), await page.locator('#f-technique').inputValue()], [did.length && (await listed(page))[0], ''], 'the attacker that is filtered by')
      assert(await page.evaluate(() => Math.abs(document.getElementById('sessions').getBoundingClientRect().top) < 200), 'the sessions are not in sight')
      await page.goBack()
      await settled(page)
      same([page.url(), (await listed(page)).sort()], [view, did], 'back leads to')
    })
  },

  async 'a view is shared by its address'() {
    let hash
    await look('seen', {}, async page => {
      await set(page, { level: '4', sensor: { index: 1 } })
      hash = new URL(page.url()).hash
      const want = await counts(page)
      await page.goto('about:blank')
      await page.goto(`file://${folder}/seen.html${hash}`)
      same(await counts(page), want, `what ${hash} shows`)
    })
    for (const broken of ['#?level=%E0%A4%A&sensor=<script>', '#%E0%A4%A', '#t99999', '#?from=never&to=9999999-01-01', '#data', '#__proto__']) {
      await look('seen', { hash: broken }, async page => { assert(await shown(page) >= 0, broken) })
    }
  },

  async 'a click on a technique leads to its evidence and to the session'() {
    await look('seen', {}, async page => {
      const told = await page.locator('#techniques details.tech:has(a[href^="#s"])').first().getAttribute('id')
      const cell = page.locator(`.matrix a[href="#${told}"]`)
      const folded = page.locator(`.matrix details:has(a[href="#${told}"]) > summary`)
      if (await folded.count()) await folded.click()
      await cell.click()
      const evidence = page.locator(`#${told}`)
      assert(await evidence.evaluate(e => e.open && e.classList.contains('marked')), 'the evidence is not open, or not marked')
      await settled(page)
      const top = await evidence.evaluate(e => e.getBoundingClientRect().top)
      assert(top > -5 && top < 900, `the evidence is at ${top}`)
      const link = evidence.locator('a[href^="#s"]').first(), session = await link.getAttribute('href')
      await link.click()
      assert(await page.locator(session).isVisible(), 'the session is not shown')
      assert(await page.locator(session).evaluate(e => e.classList.contains('marked')), 'the session is not marked')
      await page.goBack()
      assert(new URL(page.url()).hash === `#${told}` && await evidence.evaluate(e => e.classList.contains('marked')), 'back does not lead back')
      // A filter stays, and what a link leads to is shown whatever the filter hides.
      await set(page, { attacker: 'nobody' })
      same(await shown(page), 0, 'tags of nobody')
      await page.evaluate(id => { location.hash = id }, session)
      await settled(page)
      assert(await page.locator(session).isVisible(), 'a link leads to what is hidden')
      assert(page.url().includes('attacker=nobody'), 'a link takes the filter away')
      // So is what an address leads to, whatever was typed before.
      await page.locator('#f-to').focus()
      await page.keyboard.type('11')
      await settled(page)
      await page.evaluate(hash => { location.hash = hash }, `${session}?attacker=none`)
      await settled(page)
      assert(await page.locator(session).isVisible(), 'an address leads to what is hidden')
      same(await page.locator('#shown').textContent(), `0 of ${tagsOf().length.toLocaleString('en')} tags match: attacker none.`, 'the fields are those of the address')
    })
  },

  async 'all of it works from the keyboard'() {
    await look('seen', {}, async page => {
      await page.keyboard.press('Tab')
      assert((await page.evaluate(() => document.activeElement.textContent)).startsWith('Skip'), 'nothing to skip with')
      const isCell = () => page.evaluate(() => document.activeElement.matches('.matrix .cell'))
      for (let i = 0; i < 80 && !await isCell(); i++) await page.keyboard.press('Tab')
      assert(await isCell(), 'tab does not reach the matrix')
      const visited = new Set()
      for (const key of ['ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowDown', 'ArrowLeft', 'End', 'Home', 'ArrowRight', 'ArrowUp']) {
        await page.keyboard.press(key)
        assert(await isCell(), `${key} leaves the matrix`)
        visited.add(await page.evaluate(() => document.activeElement.getAttribute('aria-label')))
      }
      assert(visited.size >= 3, `arrows reached ${[...visited]}`)
      for (const label of visited) assert(/^T\d{4}(\.\d{3})? .+, [\d,]+ tags?, highest level \w+(, unfolds)?$/.test(label), `a cell is called ${label}`)
      // To a link, by unfolding where it must be.
      for (let i = 0; i < 30 && await page.evaluate(() => document.activeElement.tagName) !== 'A'; i++) {
        if (i % 2 === 0) await page.keyboard.press('Enter')
        await page.keyboard.press(i % 2 === 0 ? 'ArrowDown' : 'ArrowRight')
      }
      const href = await page.evaluate(() => document.activeElement.getAttribute('href'))
      await page.keyboard.press('Enter')
      await settled(page)
      assert(await page.evaluate(id => document.querySelector(id).open && document.querySelector(id).contains(document.activeElement), href), 'enter leads nowhere')
      await page.keyboard.press('Tab')
      assert(await page.evaluate(id => document.querySelector(id).contains(document.activeElement), href), 'tab does not go on in the evidence')
      // Sorting, and what can be scrolled.
      const head = page.locator('table[data-table=attackers] th button').nth(2)
      await head.focus()
      await page.keyboard.press('Enter')
      assert(await page.locator('table[data-table=attackers] th[aria-sort]').count() === 1, 'enter does not sort')
      same(await page.evaluate(() => Array.from(document.querySelectorAll('.scroll')).filter(e => e.tabIndex !== 0 || !e.getAttribute('aria-label')).length), 0, 'what scrolls and cannot be reached')
    })
  },

  async 'tables are sorted'() {
    await look('seen', {}, async page => {
      const names = await page.locator('table[data-table]').evaluateAll(list => list.map(t => t.dataset.table))
      assert(names.includes('attackers') && names.includes('techniques'), `tables are ${names}`)
      const table = page.locator('table[data-table=attackers]')
      const column = i => table.locator('tbody tr').evaluateAll((rows, i) => rows.map(r => r.cells[i].dataset.o || r.cells[i].textContent.trim()), i)
      const heads = await table.locator('th[scope=col]').allInnerTexts()
      const original = await column(0)
      for (let i = 0; i < heads.length; i++) {
        const button = table.locator('th[scope=col] button').nth(i)
        for (const order of [1, 2]) {
          await button.click()
          const direction = await table.locator('th[scope=col]').nth(i).getAttribute('aria-sort')
          assert(direction === 'ascending' || direction === 'descending', `${heads[i]} is sorted ${direction}`)
          const values = await column(i)
          same(values.length, original.length, 'rows')
          if (values.every(v => /^[\d,]+$/.test(v))) {
            const n = values.map(number), sorted = [...n].sort((a, b) => direction === 'ascending' ? a - b : b - a)
            same(n, sorted, `${heads[i]} ${direction}`)
            if (order === 1) same(direction, 'descending', `numbers of ${heads[i]} begin with`)
          }
        }
        await button.click()
        same(await column(0), original, 'the order of the report')
      }
    })
  },

  async 'the matrix is saved as SVG and PNG'() {
    for (const file of ['seen', 'hostile']) {
      await look(file, { colorScheme: 'dark' }, async page => {
        await page.locator('#matrix-unfold').click()
        if (file === 'seen') await set(page, { level: '2' })
        const { name, bytes } = await download(page, '#matrix-svg'), text = bytes.toString('utf8')
        same(name, `ttpcron-matrix${file === 'seen' ? '-low' : ''}.svg`, 'a name')
        const svg = await page.evaluate(text => {
          const xml = new DOMParser().parseFromString(text, 'application/xml'), root = xml.documentElement
          return {
            root: root.localName, broken: xml.querySelectorAll('parsererror').length, width: Number(root.getAttribute('width')), height: Number(root.getAttribute('height')),
            names: [...new Set(Array.from(xml.querySelectorAll('*'), e => e.localName))].sort(),
            attributes: [...new Set(Array.from(xml.querySelectorAll('*')).flatMap(e => Array.from(e.attributes, a => a.name)))],
            texts: Array.from(xml.querySelectorAll('text'), e => e.textContent)
          }
        }, text)
        same([svg.root, svg.broken, svg.names], ['svg', 0, ['rect', 'svg', 'text', 'title']], 'elements')
        assert(svg.attributes.every(a => !/^on|href|style/.test(a)), `attributes are ${svg.attributes}`)
        const cells = await page.locator('.matrix .cell[data-t]:visible').evaluateAll(list => list.map(e => e.querySelector('.id').textContent))
        assert(cells.length > 0 && cells.every(id => svg.texts.includes(id)), 'a technique is missing')
        if (file === 'seen') assert(svg.texts.some(t => t.includes('level low or higher')), 'the picture does not say what was filtered')
        const png = await download(page, '#matrix-png')
        same([png.name, png.bytes.subarray(0, 8).toString('hex')], [name.replace('svg', 'png'), '89504e470d0a1a0a'], 'a PNG')
        same([png.bytes.readUInt32BE(16), png.bytes.readUInt32BE(20)], [2 * svg.width, 2 * svg.height], 'its size')
        assert(png.bytes.length > 20000, 'the PNG is empty')
      })
    }
  },

  async 'each table is saved as CSV that no spreadsheet runs'() {
    for (const file of ['seen', 'hostile']) {
      await look(file, {}, async page => {
        await openAll(page)
        for (const name of await page.locator('table[data-table]').evaluateAll(list => list.map(t => t.dataset.table))) {
          const of = page.locator(`table[data-table="${name}"]`)
          const button = await of.evaluateHandle(t => t.closest('.scroll').previousElementSibling.querySelector('.csv'))
          const [file] = await Promise.all([page.waitForEvent('download'), button.click()])
          const rows = csvRows(readFileSync(await file.path(), 'utf8'))
          same(file.suggestedFilename(), `ttpcron-${name}.csv`, 'a name')
          same(rows.length, 1 + await of.locator('tbody tr').count(), `rows of ${name}`)
          assert(rows.every(r => r.length === rows[0].length), `rows of ${name} differ in length`)
          for (const cell of rows.flat()) assert(!/(^|[;\n])[\n '"]*[=+\-@＝＋－＠−﹢﹣﹦﹫]/.test(cell.replace(/(^|[;\n])'/g, '$1x')), `a formula: ${cell}`)
        }
      })
    }
    // Of a page with a part of the lists: what a file is called, what it has, what shows the rest.
    await look('small', {}, async page => {
      const save = async name => {
        const button = await page.locator(`table[data-table=${name}]`).evaluateHandle(t => t.closest('.scroll').previousElementSibling.querySelector('.csv'))
        const [file] = await Promise.all([page.waitForEvent('download'), button.click()])
        return { name: file.suggestedFilename(), rows: csvRows(readFileSync(await file.path(), 'utf8')) }
      }
      const said = name => page.locator(`table[data-table=${name}]`).evaluate(t => t.closest('.scroll').previousElementSibling.textContent)
      assert(!(await said('attackers')).includes('missing'), 'a list without a filter')
      const names = await page.locator('table[data-table=attackers] tbody th bdi').allInnerTexts()
      const tripped = await page.locator('table[data-table=canaries] tbody tr').evaluateAll(list => list.map(row => [row.querySelector('td bdi').textContent, Array.from(row.querySelectorAll('.mark'), e => e.textContent).join(' ')]))
      const saved = (await save('canaries')).rows, by = saved[0].indexOf('By')
      assert(tripped.some(([, mark]) => mark === 'resolver'), 'no resolver tripped a canary')
      same([saved[0].at(-1), saved.slice(1).map(r => [r[by], r.at(-1)])], ['Marks', tripped], 'who tripped canaries, and marks')
      const last = await page.locator('#f-to').getAttribute('max'), after = new Date(Date.parse(last) + 864e5).toISOString().slice(0, 10)
      await set(page, { sensor: { label: 'hp-ams-1' }, tactic: 'TA0002', level: '3', from: '2026-06-02', to: last })
      const part = await save('attackers')
      same(part.name, `ttpcron-attackers-hp-ams-1-TA0002-medium-2026-06-02-${last}.csv`, 'a name')
      same(part.rows.length, 1 + await page.locator('table[data-table=attackers] tbody tr:visible').count(), 'rows that match')
      same(part.rows[0].filter(name => !name.endsWith(' (whole report)')), ['Attacker', 'Tags', 'Marks'].filter(name => part.rows[0].includes(name)), 'columns that the filter changed')
      same(await page.locator('#hours-still').innerText(), 'Hours are not filtered by period.', 'beside the hours')
      const period = `--since 2026-06-02 --until ${after}`, commands = {
        attackers: `ttpcron attackers --sensor hp-ams-1 --tactic TA0002 --min-level medium ${period} --csv`,
        credentials: `ttpcron credentials --users --sensor hp-ams-1 ${period} --csv`, rules: `ttpcron rules noise ${period}`
      }
      for (const [name, command] of Object.entries(commands)) {
        assert((await said(name)).includes(`Other matches may be missing here. All of them: ${command}Copy`), `${name}: ${await said(name)}`)
        run(...command.split(' ').slice(1), '--db', seen)
      }
      assert(!(await said('techniques')).includes('missing'), 'a list that is whole')
      // What the report selects already stays if it is less.
      await set(page, { from: '2026-05-01', to: '2027-12-31' })
      assert((await said('attackers')).includes('--until 2028-01-01'), await said('attackers'))
      await set(page, { to: last })
      assert((await said('attackers')).includes(`--since 2026-06-01T00:00:00Z --sensor hp-ams-1 --tactic TA0002`), await said('attackers'))
      await set(page, { attacker: names[0] + '/../="x" y' })
      same((await save('attackers')).name, `ttpcron-attackers-${names[0]}-..-x-y-hp-ams-1-TA0002-medium-2026-05-01-${last}.csv`, 'a name of what was typed')
      assert((await said('attackers')).includes(`--attacker '${names[0]}/../="x" y' --sensor`), await said('attackers'))
    })
  },

  async 'dark, light and paper'() {
    await look('seen', { colorScheme: 'light' }, async page => {
      const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).colorScheme)
      const heat = () => page.evaluate(() => getComputedStyle(document.querySelector('.matrix .cell[data-t]')).backgroundColor)
      const light = [await background(), await heat()]
      await page.locator('#theme').click()
      const dark = [await background(), await heat()]
      assert(light[0] !== dark[0] && light[1] !== dark[1], `the theme does not change: ${light}, ${dark}`)
      await page.emulateMedia({ media: 'print' })
      same(await page.evaluate(() => getComputedStyle(document.querySelector('.matrix .cell[data-t]')).backgroundColor), light[1], 'colours on paper')
      assert(!await page.locator('#filters').isVisible() && !await page.locator('#matrix-svg').isVisible(), 'controls are printed')
      await page.emulateMedia({ media: 'screen' })
      const folded = () => page.locator('.matrix details:not([open])').count()
      const before = await folded()
      await page.evaluate(() => dispatchEvent(new Event('beforeprint')))
      same(await folded(), 0, 'techniques folded on paper')
      await page.evaluate(() => dispatchEvent(new Event('afterprint')))
      same(await folded(), before, 'techniques folded afterwards')
      const pdf = await page.pdf({ format: 'A4', path: `${folder}/seen.pdf` })
      assert(pdf.subarray(0, 5).toString() === '%PDF-', 'no PDF')
    })
  },

  async 'all techniques are shown when they are asked for'() {
    await look('seen', {}, async page => {
      const visible = () => page.locator('.matrix .cell:visible').count()
      const before = await visible()
      await page.locator('#matrix-all').click()
      same(await page.locator('#matrix-all').getAttribute('aria-pressed'), 'true', 'pressed')
      assert(await visible() > before + 200, `${await visible()} techniques after ${before}`)
      await page.locator('#matrix-all').click()
      same(await visible(), before, 'techniques')
    })
  },

  async 'narrow and wide, nothing is cut off'() {
    for (const width of [320, 360, 768, 2400]) {
      for (const file of ['seen', 'hostile', 'empty']) {
        await look(file, { viewport: { width, height: 800 } }, async page => {
          await openAll(page)
          assert(await overflow(page) <= 0, `${file} scrolls ${await overflow(page)} pixels sideways at ${width}`)
        })
      }
    }
  },

  async 'without its script the page is whole'() {
    await look('seen', { javaScriptEnabled: false }, async page => {
      assert(!await page.locator('#filters').isVisible() && !await page.locator('#matrix-svg').isVisible(), 'controls without a script')
      const first = page.locator('#techniques details.tech').first()
      await first.locator('summary').click()
      assert(await first.locator('.evidence li').first().isVisible(), 'the evidence does not unfold')
      assert(await page.locator('.matrix a.cell').first().isVisible() && await page.locator('#days-svg').isVisible(), 'no picture')
      assert(await page.locator('table[data-table=attackers] tbody tr').count() > 0, 'no attackers')
      same(await page.locator('a[href*="?"]:visible').count(), 0, 'links that need the script')
    })
  },

  async 'axe finds nothing'() {
    for (const [name, options] of Object.entries({ light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, narrow: { viewport: { width: 360, height: 800 } } })) {
      await look('small', options, async page => {
        same(await axeOf(page), [], `${name}, as it opens`)
        await set(page, { level: '4' })
        await page.evaluate(() => document.querySelectorAll('#matrix details, #activity details, details.tech:nth-of-type(-n+3), details.story:nth-of-type(-n+3)').forEach(d => { d.open = true }))
        if (name === 'light') await page.locator('#matrix-all').click()
        same(await axeOf(page), [], `${name}, filtered and unfolded`)
      })
    }
    await look('empty', {}, async page => same(await axeOf(page), [], 'without events'))
    await look('hostile', {}, async page => same(await axeOf(page), [], 'with hostile texts'))
  },

  async 'hostile texts are shown, and do nothing'() {
    await look('hostile', {}, async page => {
      await openAll(page)
      for (const button of ['#matrix-all', '#matrix-unfold', '#theme']) await page.locator(button).click()
      for (const head of await page.locator('th button.sort').all()) await head.click()
      for (const option of await page.locator('#filters [name=sensor] option').evaluateAll(list => list.map(o => o.value))) await set(page, { sensor: option })
      await page.locator('#status [type=reset]').click()
      await settled(page)
      const found = await page.evaluate(() => {
        const names = new Set(), handlers = []
        for (const e of document.querySelectorAll('*')) {
          names.add(e.localName)
          for (const a of e.attributes) if (/^on|^style$|^src|^action|^formaction|^xlink/i.test(a.name)) handlers.push(`${e.localName} ${a.name}`)
        }
        return {
          pwned: window.pwned, proto: {}.pwned, theirs: document.querySelectorAll('.theirs').length, handlers,
          odd: [...names].filter(n => ['img', 'iframe', 'object', 'embed', 'link', 'base', 'animate', 'textarea', 'noscript', 'template', 'foreignobject'].includes(n)),
          scripts: document.scripts.length, forms: document.forms.length, ids: document.querySelectorAll('#filters, #data').length,
          links: Array.from(document.links, a => a.getAttribute('href')).filter(h => !/^#[\w-]+$|^#(attackers\?technique|sessions\?attacker)=[\w.%+-]+$|^https:\/\/attack\.mitre\.org\/(techniques|tactics)\/[\w/]+$/.test(h)),
          text: document.body.innerText, html: document.documentElement.outerHTML.length
        }
      })
      same([found.pwned, found.proto, found.theirs, found.handlers, found.odd, found.scripts, found.forms, found.ids, found.links], [undefined, undefined, 0, [], [], 2, 1, 2, []].map(v => v === undefined ? null : v), 'what hostile texts made')
      for (const text of attacks.filter(a => /^[\x20-\x7e]+$/.test(a))) assert(found.text.includes(text), `${text} is not shown as it is`)
      assert(found.text.includes('\\u202etxt.exe\\u2066hidden'), 'marks of direction are not spelled')
      assert(!/[\u202a-\u202e\u2066-\u2069\u200b-\u200f\u2028\u2029\ufeff]/.test(found.text), 'a character that nobody sees is in the page')
    })
    await look('hostile', { javaScriptEnabled: false }, async page => same(await page.locator('.theirs, img, script[src]').count(), 0, 'without a script'))
  },

  async 'no flag selects what has no name of a sensor'() {
    await look('nameless', {}, async page => {
      const all = await shown(page), option = await page.locator('#filters [name=sensor] option', { hasText: '(no name)' }).getAttribute('value')
      const commands = () => page.locator('#attackers .cmd').allTextContents()
      await set(page, { sensor: { label: 'hp-1' } })
      same(await shown(page), all / 4, 'tags of a sensor with a name')
      assert((await commands()).some(c => c.includes(' --sensor hp-1')), 'no command selects a sensor with a name')
      await set(page, { sensor: option })
      same(await shown(page), 3 * all / 4, 'tags of none')
      assert((await page.locator('#shown').textContent()).includes('no name of a sensor'), 'the filter is not said')
      assert(!(await commands()).some(c => c.includes('--sensor')), 'a command selects the empty name')
      assert(/^1 sensor\./.test(await page.locator('#sensors caption').textContent()), 'a sensor without a name is counted')
    })
  },

  async 'a page of nothing'() {
    await look('empty', {}, async page => {
      same(await shown(page), 0, 'tags')
      await page.locator('#matrix-svg').click()
      await page.locator('#matrix-all').click()
    })
  }
}

// Two at a time, since a browser waits a lot.
let failed = 0
const waiting = Object.entries(tests).filter(([name]) => name.includes(process.env.ONLY || ''))
async function work() {
  for (let next; (next = waiting.shift());) {
    const [name, test] = next, start = Date.now()
    try {
      await test()
      console.log(`ok   ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`)
    } catch (error) {
      failed++
      console.log(`FAIL ${name}: ${error.message.slice(0, 3000)}`)
    }
  }
}
await Promise.all([work(), work()])
await browser.close()
process.exit(failed ? 1 : 0)

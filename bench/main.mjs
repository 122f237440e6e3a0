// npm run bench -- [eager|overhead|stream|formats|http|language|living|llm|machines|mcp|mcp-server|otel|page|startup|streamer|speedup …] [TRACE.json …] [--check] [--quick] [--docs] [--seed N] [--json FILE]
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { formatEnvironment, readEnvironment } from './environment.mjs'
import { listEagerCases, listEagerFigures, reportEager } from './eager.mjs'
import { formatFigures, isMet } from './figures.mjs'
import { listOverheadCases, listOverheadFigures, reportOverhead } from './overhead.mjs'
import { listFormatCases, listFormatFigures, reportFormats } from './formats.mjs'
import { listHttpCases, listHttpFigures, reportHttp } from './http.mjs'
import { listLanguageCases, listLanguageFigures, reportLanguage } from './language.mjs'
import { listLivingCases, listLivingFigures, reportLiving } from './living.mjs'
import { listLlmCases, listLlmFigures, reportLlm } from './llm.mjs'
import { listMachinesCases, listMachinesFigures, reportMachines } from './machines.mjs'
import { listMcpCases, listMcpFigures, reportMcp } from './mcp.mjs'
import { listMcpServerCases, listMcpServerFigures, reportMcpServer } from './mcp-server.mjs'
import { listOtelCases, listOtelFigures, reportOtel } from './otel.mjs'
import { listPageCases, listPageFigures, reportPage } from './page.mjs'
import { measureCases } from './rounds.mjs'
import { listSpeedupCases, listSpeedupFigures, reportSpeedup } from './speedup.mjs'
import { listStartupCases, listStartupFigures, reportStartup } from './startup.mjs'
import { listStoreCases, listStoreFigures, reportStore } from './store.mjs'
import { listStreamCases, listStreamFigures, reportStream } from './stream.mjs'
import { listStreamerCases, listStreamerFigures, reportStreamer } from './streamer.mjs'
import { formatNumber } from './tables.mjs'

const SUITES = {
  eager: { list: listEagerCases, report: reportEager, figures: listEagerFigures },
  overhead: { list: listOverheadCases, report: reportOverhead, figures: listOverheadFigures },
  stream: { list: listStreamCases, report: reportStream, figures: listStreamFigures },
  formats: { list: listFormatCases, report: reportFormats, figures: listFormatFigures },
  http: { list: listHttpCases, report: reportHttp, figures: listHttpFigures },
  language: { list: listLanguageCases, report: reportLanguage, figures: listLanguageFigures },
  living: { list: listLivingCases, report: reportLiving, figures: listLivingFigures },
  llm: { list: listLlmCases, report: reportLlm, figures: listLlmFigures },
  'mcp-server': { list: listMcpServerCases, report: reportMcpServer, figures: listMcpServerFigures },
  otel: { list: listOtelCases, report: reportOtel, figures: listOtelFigures },
  machines: { list: listMachinesCases, report: reportMachines, figures: listMachinesFigures },
  mcp: { list: listMcpCases, report: reportMcp, figures: listMcpFigures },
  page: { list: listPageCases, report: reportPage, figures: listPageFigures },
  startup: { list: listStartupCases, report: reportStartup, figures: listStartupFigures },
  store: { list: listStoreCases, report: reportStore, figures: listStoreFigures },
  streamer: { list: listStreamerCases, report: reportStreamer, figures: listStreamerFigures },
  speedup: { list: listSpeedupCases, report: reportSpeedup, figures: listSpeedupFigures },
}

const options = readOptions()
const environment = readEnvironment()
process.stdout.write(`${formatEnvironment(environment)} · seed ${options.seed}\n`)

const suites = options.names.map(name => SUITES[name])
const cases = suites.flatMap(suite => suite.list(options))
const results = await measureCases(cases, options.rounds, showProgress)
const sections = options.names.map(name => [name, SUITES[name].report(results, options)])
const figures = suites
  .flatMap(suite => suite.figures(results, options))
  .filter(({ measured }) => Number.isFinite(measured))

for (const [name, tables] of sections) {
  for (const [title, table] of tables) process.stdout.write(`\n${name}: ${title}\n\n${table}\n`)
}
if (figures.length > 0) process.stdout.write(`\nfigures\n\n${formatFigures(figures)}\n`)
writeResults()
if (options.isDocs) writeDocs()
if (options.isCheck) {
  const missed = figures.filter(figure => !isMet(figure))
  for (const { name, unit, measured, target } of missed) {
    process.stdout.write(
      `\nMissed: ${name}: ${measured.toFixed(3)} ${unit}, target at most ${formatNumber(target)} ${unit}\n`,
    )
  }
  process.exitCode = missed.length > 0 ? 1 : 0
}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      check: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  })
  const tracePaths = positionals.filter(given => given.endsWith('.json'))
  const named = positionals.filter(given => !given.endsWith('.json'))
  const unknown = named.find(name => !(name in SUITES))
  if (unknown !== undefined)
    fail(`Expected ${Object.keys(SUITES).join(', ')} or a trace's path ending in .json, got \`${unknown}\``)
  const seed = Number(values.seed)
  if (!Number.isSafeInteger(seed)) fail(`Expected \`--seed\` to be an integer, got \`${values.seed}\``)
  const { check: isCheck, quick: isQuick, docs: isDocs } = values
  const names = named.length > 0 ? [...new Set(named)] : Object.keys(SUITES)
  const json =
    values.json ?? fileURLToPath(new URL(`results/${names.join('-')}${isCheck ? '-check' : ''}.json`, import.meta.url))
  return { names, tracePaths, seed, isCheck, isQuick, isDocs, json, rounds: isQuick ? 1 : 5 }
}

function writeResults() {
  const { json, names, seed, rounds } = options
  mkdirSync(dirname(json), { recursive: true })
  const record = { takenAt: new Date().toISOString(), environment, names, seed, rounds, figures, results }
  writeFileSync(json, `${JSON.stringify(record, undefined, 2)}\n`)
  process.stdout.write(`\nWritten: ${json}\n`)
}

/** Replaces the tables of the page between their marks. */
function writeDocs() {
  const page = new URL('../docs/performance-tables.md', import.meta.url)
  const about = `\n${formatEnvironment(environment)} · seed ${options.seed}\n\n`
  let text = readFileSync(page, 'utf8')
  if (options.isCheck) text = replaceBetweenMarks(text, 'figures', `${about}${formatFigures(figures)}\n\n`)
  else {
    for (const [name, tables] of sections) {
      text = replaceBetweenMarks(
        text,
        name,
        about + tables.map(([title, table]) => `${title}:\n\n${table}\n\n`).join(''),
      )
    }
  }
  writeFileSync(page, text)
}

function replaceBetweenMarks(text, mark, content) {
  const marked = new RegExp(`(<!-- ${mark} -->\n)[^]*?(<!-- /${mark} -->)`)
  return text.replace(marked, (_, start, end) => start + content + end)
}

function showProgress(done, total, key) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${done}/${total} ${key}${done === total ? '\n' : ''}`)
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

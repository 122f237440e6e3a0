// Builds the page that `dagstream serve` answers `GET /` with: one script, one style, the worker of the graph's layout and two
// static files. Refuses a page that is larger than its bound.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { findBundledPackages } from './bundle.mjs'
import { root } from './stamp.mjs'

/** Maximum size of all files together, each compressed by gzip, bytes. */
export const MAX_PAGE_BYTES = 60 * 1024

const SCRIPTS = { page: 'src/page/main.tsx', layout: 'src/page/graph/layout-worker.ts' }
const COPIED = ['index.html', 'icon.svg']

/**
 * Writes the page.
 * @param {string} folder where it is written
 * @returns {Promise<readonly { name: string, folder: string }[]>} the packages that are part of it
 */
export async function buildPage(folder) {
  mkdirSync(folder, { recursive: true })
  const outputs = []
  for (const [name, input] of Object.entries(SCRIPTS)) {
    // Each is one file: a page from a file cannot load others.
    const build = await rolldown({
      cwd: fileURLToPath(root),
      input,
      platform: 'browser',
      tsconfig: false,
      transform: { target: 'es2023' },
      plugins: [dropUnusedParts()],
      onLog(level, log) {
        if (level === 'warn') throw new Error(`${level}: ${log.message}`)
      },
    })
    const { output } = await build.write({ file: `${folder}/${name}.js`, format: 'esm', minify: true, comments: false })
    await build.close()
    outputs.push(...output)
  }
  const source = new URL('src/page/', root)
  for (const name of COPIED) copyFileSync(new URL(name, source), `${folder}/${name}`)
  writeFileSync(`${folder}/page.css`, shrinkStyle(readFileSync(new URL('page.css', source), 'utf8')))
  checkScript(readFileSync(`${folder}/page.js`, 'utf8'))
  const sizes = measurePage(folder)
  const total = Object.values(sizes).reduce((sum, size) => sum + size, 0)
  if (total > MAX_PAGE_BYTES) {
    throw new Error(
      `Expected the page to have at most ${MAX_PAGE_BYTES} bytes of gzip, got ${total}: ${JSON.stringify(sizes)}`,
    )
  }
  return findBundledPackages(outputs)
}

/**
 * Leaves out of dagre what is never asked for: the ranker that takes twenty times as long, and the search for cycles that plans
 * do not have. The version of dagre is exact: with another one the texts below may differ, and the build says so.
 */
function dropUnusedParts() {
  const CASES = /case"network-simplex":(\w+)\(e\);break;case"tight-tree":(\w+)\(e\);(.*?)default:\1\(e\)\}/
  const MEMBERS = /\b(\w+)\.initLowLimValues=\w+;(?:\1\.\w+=\w+;)*/
  const CYCLES = /\((\w+)\.graph\(\)\.acyclicer==="greedy"\?\w+\(\1,\w+\(\1\)\):/
  return {
    name: 'drop-unused-parts',
    transform(code, id) {
      if (!id.endsWith('/dagre.esm.js')) return null
      if (![CASES, MEMBERS, CYCLES].every(part => part.test(code))) throw new Error('Expected dagre to be as before')
      return code.replace(CASES, 'case"tight-tree":$2(e);$3default:$2(e)}').replace(MEMBERS, '').replace(CYCLES, '(')
    },
  }
}

/** The size of each file, compressed by gzip, bytes. */
export function measurePage(folder) {
  const names = [...COPIED, 'page.css', ...Object.keys(SCRIPTS).map(name => `${name}.js`)]
  return Object.fromEntries(names.map(name => [name, gzipSync(readFileSync(`${folder}/${name}`), { level: 9 }).length]))
}

/** `dagstream view` writes the script into a page, where these would end it. */
function checkScript(text) {
  if (/<\/script|<!--/i.test(text))
    throw new Error('Expected the script of the page to hold neither `</script` nor `<!--`')
}

/** Comments and indentation mean nothing. The style has no strings with several spaces. */
function shrinkStyle(text) {
  return text
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .replaceAll(/\s*\n\s*/g, '\n')
    .replaceAll(/\n?([{}])\n?/g, '$1')
    .replaceAll(/ \{/g, '{')
    .replaceAll(/;\}/g, '}')
    .trim()
}

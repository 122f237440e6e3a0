import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Exported } from './exported.ts'
import { PAGE_FOLDER } from './page-files.ts'

/**
 * One file that shows an execution without a server: script and style of the page, and the events as data. Its policy allows
 * these two by their hashes and nothing else.
 */
export function renderOfflinePage({ executionId, graph, events }: Exported): string {
  const script = readFileSync(new URL('page.js', PAGE_FOLDER), 'utf8')
  const style = readFileSync(new URL('page.css', PAGE_FOLDER), 'utf8')
  const policy = `default-src 'none'; script-src '${hash(script)}'; style-src '${hash(style)}'; base-uri 'none'; form-action 'none'`
  const head = JSON.stringify({ executionId, graph }).slice(0, -1)
  const data = escapeData(`${head},"events":[${events.join(',\n')}]}`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>dagstream: ${executionId.replaceAll(/[^A-Za-z0-9_-]/g, '')}</title>
<style>${style}</style>
</head>
<body>
<div id="page"></div>
<noscript>This page needs JavaScript.</noscript>
<script type="application/json" id="dagstream-execution">${data}</script>
<script type="module">${script}</script>
</body>
</html>
`
}

/** JSON that cannot end its element: in JSON, `<` stands in strings alone. */
function escapeData(json: string): string {
  return json.replaceAll('<', '\\u003c')
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

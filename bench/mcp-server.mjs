import { formatNumber, formatRange, formatTable } from './tables.mjs'

const KEY = 'mcp server'

/** What a registered workflow costs that is called as a tool. */
export function listMcpServerCases() {
  return [{ key: KEY, kind: 'mcp server', maxRounds: 3 }]
}

/** @param {Record<string, any>} results figures by key */
export function reportMcpServer(results) {
  const { roundTripMs, executionMs, callMs, ratio } = results[KEY]
  const rows = [
    ['a tool without work, by the SDK alone', formatRange(roundTripMs), ''],
    ['the workflow, in the same process', formatRange(executionMs), ''],
    ['the workflow as a tool', formatRange(callMs), formatNumber(ratio.median)],
  ]
  return [['A workflow of one task without work, ms per call, one call at a time', formatTable(['', 'ms', '×'], rows)]]
}

/** The stated figures. @returns {import('./figures.mjs').Figure[]} */
export function listMcpServerFigures(results) {
  const measured = results[KEY]?.ratio.median
  const name = 'a workflow as an MCP tool, beside itself and the SDK’s round trip'
  return [{ name, unit: '×', measured, target: 2 }]
}

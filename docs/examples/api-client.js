#!/usr/bin/env node
// Asks a language model by way of a server, `dagstream serve` with OPENROUTER_API_KEY set, and shows what it took:
//
//     node docs/examples/api-client.js --stream --verbose "what is 3+3?" --mode code
//
// The answer goes to stdout, everything else to stderr. It checks that the usage of the attempts adds up to the total.
import assert from 'node:assert/strict'
import { parseArgs } from 'node:util'
import { createClient } from 'dagstream/client'

const MODES = {
  code: {
    system: 'You are an experienced software engineer. Answer with code that runs as it stands.',
    temperature: 0.2,
  },
  ask: { system: 'Answer the question first, in as few words as it needs.', temperature: 0.7 },
  debug: { system: 'List the likely causes, the likeliest first, each with a check for it.', temperature: 0 },
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: process.env.DAGSTREAM_URL ?? 'http://127.0.0.1:8321' },
    mode: { type: 'string', default: 'ask' },
    model: { type: 'string' },
    stream: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
})
const [prompt] = positionals
const mode = Object.hasOwn(MODES, flags.mode) ? MODES[flags.mode] : undefined
if (prompt === undefined || mode === undefined) {
  console.error(
    `Usage: api-client.js [--stream] [--verbose] [--mode ${Object.keys(MODES).join('|')}] [--model M] PROMPT`,
  )
  process.exit(2)
}

// The input is never searched for references, so that a prompt may speak of `$INPUT`.
const input = { prompt, ...mode, ...(flags.model !== undefined && { model: flags.model }) }
const references = Object.fromEntries(Object.keys(input).map(name => [name, `$INPUT.${name}`]))
const token = process.env.DAGSTREAM_TOKEN
const client = createClient({
  url: flags.server,
  headers: token ? { Authorization: `Bearer ${token}` } : {},
  reconnection: { onReconnect: ({ error }) => console.error(`${error.message}, trying again`) },
})
const execution = client.stream({ tasks: [{ id: 'chat', tool: 'llm:chat', arguments: references }] }, { input })
process.once('SIGINT', () => void execution.cancel().catch(({ message }) => console.error(message)))

let streamed = ''
let isWhole = true
const usages = []
try {
  for await (const { type, data } of execution) {
    if (type === 'token') {
      streamed += data.text
      if (flags.stream) process.stdout.write(data.text)
    } else if (type === 'task_retry' || type === 'snapshot') {
      // Earlier text is void, or known only in part.
      if (flags.stream && streamed !== '') console.error('\n[the answer begins anew]')
      streamed = ''
      isWhole &&= type === 'task_retry'
    } else if (type === 'token_usage') usages.push(data)
    else if (type === 'metrics' && flags.verbose) {
      console.error(
        `First token ${Math.round(data.ttftMs)}ms${data.tokensPerSec > 0 ? `, ${data.tokensPerSec.toFixed(1)} tokens/s` : ''}`,
      )
    }
  }
  const { status, results, tokenUsage, executionTimeMs } = await execution.result
  showAnswer(status, results[0])
  showUsage(tokenUsage)
  console.error(`Time: ${Math.round(executionTimeMs)}ms`)
  // The event of each attempt carries the total so far as well.
  if (isWhole) {
    assert.deepEqual(usages.at(-1)?.executionTokenUsage, tokenUsage)
    const sum = usages.reduce((total, { tokenUsage: used }) => total + used.totalTokensOut, 0)
    assert.equal(sum, tokenUsage?.totalTokensOut ?? 0)
  }
} catch (error) {
  if (error instanceof assert.AssertionError) throw error
  // No server, not the right token, no `llm:chat` there, or a connection that is lost for good.
  console.error(`${error.code ?? error.name}: ${error.message}`)
  showUsage(usages.at(-1)?.executionTokenUsage)
  process.exitCode = 1
}

function showAnswer(status, task) {
  if (status === 'success') {
    const { text, model } = task.output
    // A snapshot leaves a gap in the stream; the result has all of the answer.
    console.log(flags.stream && streamed === text ? '' : text)
    if (flags.verbose) console.error(`Model ${model}, attempts ${task.attempts}`)
    return
  }
  if (flags.stream) console.log()
  console.error(`${status}: ${task.code}: ${task.error}`)
  process.exitCode = status === 'cancelled' ? 130 : 1
}

function showUsage(usage) {
  if (usage === undefined) return
  const count = number => number.toLocaleString('en-US')
  const cost = usage.totalCost === undefined ? '' : `, $${usage.totalCost.toFixed(4)}`
  console.error(`Token usage: ${count(usage.totalTokensIn)} in, ${count(usage.totalTokensOut)} out${cost}`)
}

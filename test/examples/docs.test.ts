import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { SSE_EVENTS } from '../../src/events/events.ts'
import { MAX_RETRY_AFTER_MS, mergeRetryPolicies } from '../../src/attempt/retry.ts'
import { resolveOptions } from '../../src/engine/options.ts'
import { resolveReconnectionOptions } from '../../src/client/reconnection-options.ts'
import { resolveHandlerOptions } from '../../src/http/options/handler-options.ts'
import { resolveBufferOptions } from '../../src/log/reader-bound.ts'
import { SSE_EVENTS as JOB_EVENTS } from '../../src/sse/job.ts'
import { openapiDocument } from '../../src/http/openapi/openapi.ts'
import { LIMITS } from '../../src/workflow/document.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(new URL('docs/', root), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name.replaceAll('\\', '/')}`),
]

test('the README is at most 150 lines and names the two commands', () => {
  const readme = read('README.md')
  expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(150)
  expect(readme).toMatch(/^npm start\b/m)
  expect(readme).toMatch(/^npm test\b/m)
})

test.each(pages)('every relative link of %s leads somewhere', page => {
  const broken = findLinks(read(page)).filter(link => !leadsSomewhere(page, link))
  expect(broken).toEqual([])
})

test('every page is linked from the README or from that of its folder, every example from a page', () => {
  const linked = (page: string): string[] => findLinks(read(page)).map(link => new URL(link, new URL(page, root)).href)
  const unlinked = (names: readonly string[], from: readonly string[]): string[] => {
    const links = new Set(from.flatMap(linked))
    return names.filter(name => !links.has(new URL(name, root).href))
  }
  const docs = pages.filter(page => page.startsWith('docs/'))
  // Decisions are linked as a folder.
  expect(
    unlinked(
      docs.filter(page => !page.startsWith('docs/decisions/')),
      ['README.md', 'docs/workflows/README.md'],
    ),
  ).toEqual([])
  const examples = readdirSync(new URL('docs/examples/', root)).map(name => `docs/examples/${name}`)
  expect(unlinked(examples, docs)).toEqual([])
})

describe('the documented output of a program in the docs', () => {
  const programs = pages.flatMap(page => findPrograms(read(page)).map(program => ({ page, ...program })))

  test('is there', () => {
    expect(programs.map(({ page }) => page)).toEqual(
      expect.arrayContaining([
        'README.md',
        'docs/workflow.md',
        'docs/execution.md',
        'docs/events.md',
        'docs/streaming.md',
        'docs/extending.md',
      ]),
    )
  })

  test.each(programs)('is printed: $page', async ({ code, printed }) => {
    const args = ['--input-type=module', '--eval', code]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(root) })
    expect(trimLines(stdout)).toBe(trimLines(printed))
  })
})

describe('the docs name every', () => {
  const { ExecutionOptions, BufferOptions, SinkOptions } = {
    ExecutionOptions: findFields('src/engine/options.ts', 'ExecutionOptions'),
    BufferOptions: findFields('src/log/reader-bound.ts', 'BufferOptions'),
    SinkOptions: findFields('src/engine/executors/streaming-executor.ts', 'SinkOptions'),
  }
  test.each<[what: string, page: string, names: readonly string[]]>([
    ['code that is thrown', 'docs/error-codes.md', findUnion('src/errors.ts', 'DagstreamErrorCode')],
    ['code of a task', 'docs/error-codes.md', findUnion('src/events/events.ts', 'TaskCode')],
    ['reason', 'docs/error-codes.md', findUnion('src/events/events.ts', 'ReasonCode')],
    ['execution option', 'docs/execution.md', ExecutionOptions],
    ['field of a result', 'docs/execution.md', findFields('src/engine/execution-result.ts', 'ExecutionResult')],
    ['field of a retry policy', 'docs/execution.md', findFields('src/workflow/document.ts', 'RetryPolicy')],
    ['issue code', 'docs/workflow.md', findUnion('src/workflow/document.ts', 'IssueCode')],
    ['field of a task', 'docs/workflow.md', findFields('src/workflow/document.ts', 'DAGTask')],
    ['limit', 'docs/workflow.md', Object.keys(LIMITS)],
    ['event', 'docs/events.md', Object.values(SSE_EVENTS)],
    ['field of an event', 'docs/events.md', findEventFields()],
    ['buffer option', 'docs/streaming.md', BufferOptions],
    ['sink option', 'docs/streaming.md', SinkOptions],
    ['delivery', 'docs/streaming.md', findUnion('src/engine/executors/sink-reader.ts', 'Delivery')],
    ['field of a tool', 'docs/tools.md', findFields('src/tools/tool.ts', 'Tool')],
    ['member of the context', 'docs/tools.md', findFields('src/tools/tool.ts', 'ToolContext')],
    ['option of a handler', 'docs/server.md', findFields('src/http/workflow-request.ts', 'WorkflowRequestOptions')],
    [
      'option of `createHandler`',
      'docs/server.md',
      findFields('src/http/options/handler-options.ts', 'HandlerOptions'),
    ],
    ['option of `serve`', 'docs/server.md', findFields('src/http/node/serve.ts', 'ServeOptions')],
    ['action', 'docs/server.md', findUnion('src/http/security/authorize.ts', 'Action')],
    ['route', 'docs/server.md', Object.keys(openapiDocument['paths'] as object)],
    ['option of a request', 'docs/server.md', findFields('src/client/create-client.ts', 'RemoteOptions')],
    ['option of a client', 'docs/client.md', findFields('src/client/create-client.ts', 'ClientOptions')],
    [
      'option of reconnection',
      'docs/client.md',
      findFields('src/client/reconnection-options.ts', 'ReconnectionOptions'),
    ],
    [
      'option of HTTP tools',
      'docs/http-tools.md',
      findFields('src/integrations/http/http-options.ts', 'HttpToolsOptions'),
    ],
    [
      'argument of an HTTP request',
      'docs/http-tools.md',
      findFields('src/integrations/http/http-request.ts', 'HttpRequest'),
    ],
    [
      'code of an HTTP tool',
      'docs/http-tools.md',
      findUnion('src/integrations/http/http-tool-error.ts', 'HttpToolErrorCode'),
    ],
    [
      'option of a provider',
      'docs/llm.md',
      findFields('src/integrations/llm/openrouter-provider.ts', 'OpenRouterOptions'),
    ],
    ['parameter of a provider', 'docs/llm.md', findFields('src/integrations/llm/provider.ts', 'ProviderParams')],
    ['measure of a stream', 'docs/llm.md', findFields('src/integrations/llm/provider.ts', 'StreamMetrics')],
    ['option of a chat tool', 'docs/llm.md', findFields('src/integrations/llm/chat-tool.ts', 'ChatToolOptions')],
    ['argument of a chat', 'docs/llm.md', findFields('src/integrations/llm/chat-tool.ts', 'ChatArguments')],
    ['option of MCP servers', 'docs/mcp.md', findFields('src/integrations/mcp/mcp-servers.ts', 'McpOptions')],
    [
      'option of an MCP server',
      'docs/mcp.md',
      findFields('src/integrations/mcp/config/server-config.ts', 'McpServerOptions'),
    ],
    [
      'field of an MCP process',
      'docs/mcp.md',
      findFields('src/integrations/mcp/config/server-config.ts', 'McpProcessConfig'),
    ],
    [
      'field of an MCP address',
      'docs/mcp.md',
      findFields('src/integrations/mcp/config/server-config.ts', 'McpHttpConfig'),
    ],
    ['code of an MCP tool', 'docs/mcp.md', findUnion('src/integrations/mcp/protocol/mcp-failure.ts', 'McpFailureCode')],
    ['field of token usage', 'docs/execution.md', findFields('src/events/token-usage.ts', 'TokenUsage')],
    ['option of a streamer', 'docs/streaming.md', findFields('src/streamer/sse-streamer.ts', 'SSEStreamerOptions')],
    [
      'option of a protocol',
      'docs/ui-protocols.md',
      [
        ...findFields('src/protocols/options.ts', 'ProtocolOptions'),
        ...findFields('src/protocols/ai-sdk/ui-message-part.ts', 'UIMessageOptions'),
        ...findFields('src/protocols/ag-ui/ag-ui-event.ts', 'AgUiOptions'),
      ],
    ],
    ['event of a job', 'docs/events.md', Object.values(JOB_EVENTS)],
    ['method of a store', 'docs/store.md', findMethods('src/store/execution-store.ts')],
    [
      'option of the memory store',
      'docs/store.md',
      findFields('src/store/memory-store-options.ts', 'MemoryStoreOptions'),
    ],
    [
      'option of the SQLite store',
      'docs/store.md',
      findFields('src/store/sqlite/store-options.ts', 'SqliteStoreOptions'),
    ],
    [
      'option of the PostgreSQL store',
      'docs/machines.md',
      findFields('src/store/postgres/store-options.ts', 'PostgresStoreOptions'),
    ],
    [
      'flag',
      'docs/cli.md',
      ['program', 'program-options', 'executions-program']
        .flatMap(name => [...read(`src/cli/commands/${name}.ts`).matchAll(/'(--[a-z-]+)/g)])
        .map(match => match[1] ?? ''),
    ],
    [
      'folder of the sources',
      'docs/architecture.md',
      readdirSync(new URL('src/', root)).filter(name => !name.includes('.')),
    ],
    ['dependency', 'docs/decisions/0001-dependencies.md', findDependencies()],
  ])('%s', (_, page, names) => {
    const text = read(page)
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter(name => !isMentioned(text, name))).toEqual([])
  })
})

describe('the docs state the default of every', () => {
  test.each<[what: string, page: string, defaults: object]>([
    ['execution option', 'docs/execution.md', resolveOptions()],
    ['field of a retry policy', 'docs/execution.md', mergeRetryPolicies(undefined, undefined)],
    ['buffer option', 'docs/streaming.md', resolveBufferOptions({})],
    ['limit', 'docs/workflow.md', LIMITS],
    ['option of `createHandler`', 'docs/server.md', findHandlerDefaults()],
    ['option of reconnection', 'docs/client.md', resolveReconnectionOptions()],
  ])('%s', (_, page, defaults) => {
    const text = read(page)
    const told = Object.entries(defaults).filter(([, value]) => typeof value === 'number' && Number.isFinite(value))
    expect(told.length).toBeGreaterThan(0)
    const wrong = told.filter(([name, value]) => !formatNumber(value as number).includes(findDefault(text, name) ?? ''))
    expect(wrong).toEqual([])
  })

  test('retry after which a task fails instead', () => {
    expect(MAX_RETRY_AFTER_MS).toBe(5 * 60 * 1000)
    expect(read('docs/tools.md')).toContain('over 5 minutes')
  })
})

/** The targets of links outside of code. */
function findLinks(markdown: string): string[] {
  const text = markdown.replaceAll(/^```[^]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '`')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(match => match[1] ?? '').filter(link => !/^[a-z]+:/.test(link))
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? new URL(page, root) : new URL(path, new URL(page, root))
  if (!existsSync(target)) return false
  if (anchor === undefined) return true
  const headings = readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)
  return Array.from(headings, match => toAnchor(match[1] ?? '')).includes(anchor)
}

function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

/** Blocks marked `js run`, each with the `text` block that follows it. */
function findPrograms(markdown: string): { code: string; printed: string }[] {
  const blocks = markdown.matchAll(/^```js run\n([^]*?)^```\n[^]*?^```text\n([^]*?)^```/gm)
  return Array.from(blocks, ([, code = '', printed = '']) => ({ code, printed }))
}

function trimLines(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
}

/** The string members of a union type. */
function findUnion(path: string, name: string): string[] {
  const source = new RegExp(`^export type ${name} (=[^]*?)(?=^export|^/\\*\\*|^const|^interface)`, 'm').exec(read(path))
  return [...(source?.[1] ?? '').matchAll(/[=|] '([^']+)'/g)].map(match => match[1] ?? '')
}

/** The members of an interface's own. */
function findFields(path: string, name: string): string[] {
  const source = new RegExp(`^export interface ${name}\\b([^]*?)^}`, 'm').exec(read(path))
  return [...(source?.[1] ?? '').matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(match => match[1] ?? '')
}

function findMethods(path: string): string[] {
  const source =
    read(path) +
    read('src/log/log-storage.ts')
      .replace(/[^]*(?=export interface LogStorage)/, '')
      .split('\n}')[0]
  return [...source.matchAll(/^ {2}(\w+)\(/gm)].map(match => match[1] ?? '')
}

/** Fields of the events' data, wherever they stand. */
function findEventFields(): string[] {
  const source =
    /^interface EventOf[^]*(?=^\/\*\* The event of one type)/m.exec(read('src/events/events.ts'))?.[0] ?? ''
  return [...source.matchAll(/readonly (\w+)\??:/g)].map(match => match[1] ?? '')
}

/** What is in the table, beside the options of an execution; the grace is told in a table of its own. */
function findHandlerDefaults(): object {
  return { ...resolveHandlerOptions({ tools: {} }), graceMs: undefined }
}

function findDependencies(): string[] {
  const manifest = JSON.parse(read('package.json')) as Record<
    'dependencies' | 'optionalDependencies' | 'devDependencies',
    object
  >
  const { dependencies, optionalDependencies, devDependencies } = manifest
  return Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies })
}

function isMentioned(text: string, name: string): boolean {
  return new RegExp(`(?<![\\w-])${name.replaceAll(/[/.]/g, '\\$&')}(?![\\w-])`).test(text)
}

/** The second cell of the row of a table that begins with a name. */
function findDefault(text: string, name: string): string | undefined {
  return new RegExp(`^\\| \`${name}\` \\| ([^|]*) \\|`, 'm').exec(text)?.[1]
}

/** The ways in which the docs may write a number. */
function formatNumber(value: number): string[] {
  const formats = [String(value), value.toLocaleString('en')]
  if (value % 1024 === 0) formats.push(`${value / 1024} KiB`, `${value / 1024 / 1024} MiB`)
  return formats
}

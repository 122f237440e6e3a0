import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type SSEEvent, StreamingExecutor, type Tool, type ToolContext } from '../../../src/index.ts'
import { call, real, run, serve } from './mcp-rig.ts'

const idOf = ({ data }: SSEEvent): unknown => ('taskId' in data ? data.taskId : undefined)
const createFolder = (): string => realpathSync(mkdtempSync(join(tmpdir(), 'dagstream-mcp-')))

describe('server-everything', () => {
  const open = (more = {}): Promise<Tool[]> => serve({ everything: real('everything', [], more) }).tools()

  test('has tools with descriptions and schemas, which are checked before anything runs', async () => {
    const tools = await open()
    expect(tools.find(({ name }) => name === 'everything:get-sum')).toMatchObject({
      description: expect.any(String),
      inputSchema: { type: 'object', required: ['a', 'b'] },
    })
    await expect(call(tools, 'everything:get-sum', { a: 'one', b: 2 })).rejects.toMatchObject({
      code: 'INVALID_WORKFLOW',
      details: { issues: [{ code: 'INVALID_ARGUMENTS', pointer: '/tasks/0/arguments/a' }] },
    })
  })

  test('gives text, structured content and images as they are, and they can be referred to', async () => {
    const tools = await open()
    const { result } = await run(tools, [
      { id: 'city', tool: 'everything:get-structured-content', arguments: { location: 'Chicago' } },
      { id: 'echo', tool: 'everything:echo', arguments: { message: 'It is $OUTPUT[city].temperature' } },
      { id: 'image', tool: 'everything:get-tiny-image' },
    ])
    const [city, echo, image] = result.results.map(({ output }) => output)
    expect(city).toEqual({ temperature: 36, conditions: 'Light rain / drizzle', humidity: 82 })
    expect(echo).toBe('Echo: It is 36')
    expect(image).toMatchObject([{ type: 'text' }, { type: 'image', mimeType: 'image/png' }, { type: 'text' }])
  })

  test('gives resources and links to them as they are', async () => {
    const tools = await open()
    const { result } = await run(tools, [
      { id: 'links', tool: 'everything:get-resource-links', arguments: { count: 1 } },
      { id: 'resource', tool: 'everything:get-resource-reference', arguments: { resourceType: 'Text', resourceId: 1 } },
    ])
    const [links, resource] = result.results.map(({ output }) => output)
    expect(links).toMatchObject([{ type: 'text' }, { type: 'resource_link', uri: expect.any(String) }])
    expect(resource).toMatchObject([{ type: 'text' }, { type: 'resource', resource: { text: expect.any(String) } }, {}])
  })

  test('reports what it logs', async () => {
    const tools = await open({ concurrency: 2 })
    const { events } = await call(tools, 'everything:toggle-simulated-logging')
    const told = events.filter(({ type }) => type === 'info').map(({ data }) => data)
    expect(told).toMatchObject([{ taskId: 'a', message: expect.stringMatching(/level.message/) }])
  })

  test('reports its progress', async () => {
    const { task, events } = await call(await open(), 'everything:trigger-long-running-operation', {
      duration: 0.2,
      steps: 4,
    })
    expect(task.status).toBe('success')
    const progress = events.filter(({ type }) => type === 'task_progress').map(({ data }) => data)
    expect(progress).toMatchObject([1, 2, 3, 4].map(n => ({ progress: n, total: 4 })))
  })

  test('runs tools that it marks read-only side by side', async () => {
    const tools = await open()
    const argsOf = { duration: 0.4, steps: 2 }
    const ids = ['a', 'b', 'c']
    const { events } = await run(
      tools,
      ids.map(id => ({ id, tool: 'everything:trigger-long-running-operation', arguments: argsOf })),
    )
    const told = events.filter(({ type }) => type === 'task_progress' || type === 'task_complete')
    // All have begun before the first has ended.
    expect(
      new Set(
        told
          .slice(
            0,
            told.findIndex(({ type }) => type === 'task_complete'),
          )
          .map(idOf),
      ),
    ).toEqual(new Set(ids))
    expect(events.filter(({ type }) => type === 'info')).toEqual([])
  })

  test('fails a call with the text of its error', async () => {
    // The schema of the tool is not known to the caller: the arguments are refused by the server itself.
    const tools = (await open()).map(tool => ({
      name: tool.name,
      execute: (args: Record<string, unknown>, context: ToolContext) => tool.execute(args, context),
    }))
    const { task } = await call(tools, 'everything:get-sum', { a: 'one' })
    expect(task).toMatchObject({ status: 'error', code: 'TOOL_ERROR' })
    expect(task.error).toContain('Input validation error')
  })

  test('works over Streamable HTTP too', { timeout: 30_000 }, async () => {
    const { command, args = [] } = real('everything', ['streamableHttp'])
    const port = await findPort()
    const server = spawn(command, [...args], { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' })
    try {
      const servers = serve({ everything: { url: `http://127.0.0.1:${port}/mcp`, concurrency: 8 } })
      const tools = await waitFor(() => servers.toolsFor({ tasks: [{ tool: 'everything:get-sum' }] }))
      expect((await call(tools, 'everything:get-sum', { a: 2, b: 3 })).task.output).toContain('5')
      await servers.close()
    } finally {
      server.kill('SIGKILL')
    }
  })
})

describe('server-filesystem', () => {
  test('reads and writes what it may, and says what it may not', async () => {
    const folder = createFolder()
    writeFileSync(join(folder, 'a.txt'), 'hello')
    const tools = await serve({ files: real('filesystem', [folder]) }).tools()
    const { result } = await run(tools, [
      { id: 'read', tool: 'files:read_text_file', arguments: { path: join(folder, 'a.txt') } },
      {
        id: 'write',
        tool: 'files:write_file',
        arguments: { path: join(folder, 'b.txt'), content: 'got $OUTPUT[read].content' },
      },
      { id: 'outside', tool: 'files:read_text_file', arguments: { path: '/etc/passwd' } },
    ])
    expect(result.results.map(({ status }) => status)).toEqual(['success', 'success', 'error'])
    expect(result.results[2]).toMatchObject({ code: 'TOOL_ERROR', error: expect.stringContaining('Access denied') })
    expect(readFileSync(join(folder, 'b.txt'), 'utf8')).toBe('got hello')
  })

  test.skipIf(process.platform === 'win32')(
    'reads files side by side (a pipe holds one open: not on Windows)',
    async () => {
      const folder = createFolder()
      const [pipe, file] = [join(folder, 'pipe'), join(folder, 'a.txt')]
      execFileSync('mkfifo', [pipe])
      writeFileSync(file, 'hello')
      const tools = await serve({ files: real('filesystem', [folder]) }).tools()
      const execution = new StreamingExecutor(tools).stream({
        tasks: [
          { id: 'held', tool: 'files:read_text_file', arguments: { path: pipe } },
          { id: 'free', tool: 'files:read_text_file', arguments: { path: file } },
        ],
      })
      const ended: string[] = []
      for await (const event of execution) {
        if (event.type === 'info') throw new Error(`Expected no word of a limit, got ${event.data.message}`)
        if (event.type !== 'task_complete') continue
        ended.push(`${event.data.taskId} ${event.data.status}`)
        if (event.data.taskId === 'free') await writeFile(pipe, 'at last')
      }
      expect(ended).toEqual(['free success', 'held success'])
    },
  )
})

describe('server-memory', () => {
  const open = (more = {}): Promise<Tool[]> => {
    const env = { MEMORY_FILE_PATH: join(createFolder(), 'memory.jsonl') }
    return serve({ memory: real('memory', [], { env, ...more }) }).tools()
  }
  const writes = Array.from({ length: 20 }, (_, n) => ({
    id: `e${n}`,
    tool: 'memory:create_entities',
    arguments: { entities: [{ name: `entity ${n}`, entityType: 'test', observations: [] }] },
  }))
  const countEntities = async (tools: Tool[]): Promise<number> => {
    const { task } = await call(tools, 'memory:read_graph')
    return (task.output as { entities: unknown[] }).entities.length
  }

  test('keeps all of 20 parallel writes', async () => {
    const tools = await open()
    const { result } = await run(tools, writes)
    expect(result).toMatchObject({ status: 'success', successCount: 20 })
    expect(await countEntities(tools)).toBe(20)
  })

  test('loses some without the limit, each of them a success', { timeout: 60_000 }, async () => {
    // How many are lost is the server's luck: `docs/mcp.md` tells what was measured.
    const kept: number[] = []
    while (kept.length < 10 && !kept.some(count => count < 20)) {
      const tools = await open({ concurrency: 20 })
      const { result } = await run(tools, writes)
      expect(result.successCount).toBe(20)
      kept.push(await countEntities(tools))
    }
    expect(Math.min(...kept)).toBeLessThan(20)
  })
})

/** A port that is free now. */
async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Asks again until the server listens, at most 100 times; each failure waits longer by itself. */
async function waitFor<T>(attempt: () => Promise<T>): Promise<T> {
  for (let n = 0; n < 100; n++) {
    try {
      return await attempt()
    } catch {}
  }
  return attempt()
}

import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { FakeProcess } from './fake-process.ts'

export const KEY = 'sk-or-v1-0123456789abcdef'

/** A request to the model, answered as the test says. */
export interface ModelCall {
  readonly body: Record<string, unknown>
  readonly response: ServerResponse
  /** Sends a piece of the answer. */
  readonly say: (text: string) => void
  /** Tells usage and ends the answer. */
  readonly end: (promptTokens: number, completionTokens: number, cost?: number) => void
  /** Tells usage, and goes on. */
  readonly tellUsage: (promptTokens: number, completionTokens: number, cost?: number) => void
  /** Breaks the connection off. */
  readonly drop: () => void
}

export interface FakeModel {
  readonly env: Record<string, string>
  readonly bodies: Record<string, unknown>[]
  /** The next request that comes, or came and was not asked for yet. */
  readonly nextCall: () => Promise<ModelCall>
}

/** An endpoint on a free port, held in the test's hand; `answer` answers every request instead. */
export async function startModel(answer?: (call: ModelCall) => void): Promise<FakeModel> {
  const bodies: Record<string, unknown>[] = []
  const calls: ModelCall[] = []
  const waiting: ((call: ModelCall) => void)[] = []
  const take = (text: string, response: ServerResponse): void => {
    const body = JSON.parse(text) as Record<string, unknown>
    const send = (data: unknown): void => {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${JSON.stringify(data)}\n\n`)
    }
    const tellUsage: ModelCall['tellUsage'] = (prompt_tokens, completion_tokens, cost) =>
      send({ model: 'm', choices: [], usage: { prompt_tokens, completion_tokens, cost } })
    const call: ModelCall = {
      body,
      response,
      tellUsage,
      say: content => send({ model: 'm', choices: [{ index: 0, delta: { content } }] }),
      end(...usage) {
        send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
        tellUsage(...usage)
        response.end('data: [DONE]\n\n')
      },
      drop: () => void response.destroy(),
    }
    bodies.push(body)
    if (answer) return answer(call)
    const wake = waiting.shift()
    if (wake) wake(call)
    else calls.push(call)
  }
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    request.on('end', () => take(text, response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  return {
    env: { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: baseURL },
    bodies,
    nextCall: () =>
      new Promise(resolve => {
        const call = calls.shift()
        if (call) resolve(call)
        else waiting.push(resolve)
      }),
  }
}

/** Answers every request with `Six.`, in two pieces. */
export function saySix({ say, end }: ModelCall): void {
  say('Si')
  say('x.')
  end(1234, 5678, 0.0965)
}

/** `dagstream chat …` with a model. */
export function chatProcess(env: Record<string, string>, ...argv: string[]): FakeProcess {
  const process = new FakeProcess('chat', ...argv)
  Object.assign(process.env, env)
  return process
}

/** Runs it to its end. */
export async function chat(
  env: Record<string, string>,
  ...argv: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const process = chatProcess(env, ...argv)
  const code = await runCli(process)
  return { code, stdout: process.stdout.text, stderr: process.stderr.text }
}

/** A working directory with this `dagstream.config.json`. */
export function folderWith(config: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-chat-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'dagstream.config.json'), typeof config === 'string' ? config : JSON.stringify(config))
  return folder
}

/** Resolves once `stream` has been given this text. */
export function untilWritten(stream: FakeProcess['stdout'], text: string): Promise<void> {
  return new Promise(resolve => {
    if (stream.text.includes(text)) return resolve()
    stream.onWrite(() => {
      if (stream.text.includes(text)) resolve()
    })
  })
}

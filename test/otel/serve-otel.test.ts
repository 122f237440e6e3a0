import { expect, onTestFinished, test, vi } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { startOtelSdk } from '../../src/otel/start-sdk.ts'
import { FakeProcess } from '../cli/fake-process.ts'
import { startOtlpReceiver } from './otlp-receiver.ts'

const WORKFLOW = { name: 'traced', tasks: [{ id: 'a', tool: 'echo', arguments: { n: 1 } }] }

const ignore = (): void => {}

/** Runs `serve --otel` until one workflow has ended. The SDK reads the variables of this process. */
async function serveOne(env: Record<string, string>): Promise<{ stderr: string; traceId: string | null }> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
  const process = new FakeProcess('serve', '--port', '0', '--store', 'memory', '--otel', '--log-level', 'warn')
  Object.assign(process.env, env)
  let code: Promise<number> | undefined
  const url = await new Promise<string>((resolve, reject) => {
    process.stderr.onWrite(text => {
      const match = /listens on (\S+)/.exec(text)
      if (match) resolve(match[1] as string)
    })
    code = runCli(process)
    code.then(() => reject(new Error(process.stderr.text)), reject)
  })
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json' }
  const response = await fetch(`${url}/executions`, { method: 'POST', headers, body: JSON.stringify(WORKFLOW) })
  await response.text()
  process.interrupt()
  await code
  return { stderr: process.stderr.text, traceId: response.headers.get('trace-id') }
}

test('`serve --otel` exports to the collector that the environment names, under its service name', async () => {
  const receiver = await startOtlpReceiver()
  onTestFinished(() => receiver.close())
  const { traceId } = await serveOne({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_SERVICE_NAME: 'shop',
  })
  const root = receiver.find('invoke_workflow traced')
  expect([root.traceId, root.resource['service.name'], receiver.requests]).toEqual([
    traceId,
    'shop',
    ['POST /v1/traces application/json'],
  ])
})

test('`serve --otel` sends protobuf by default', async () => {
  const receiver = await startOtlpReceiver()
  onTestFinished(() => receiver.close())
  await serveOne({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
  expect(receiver.requests).toEqual(['POST /v1/traces application/x-protobuf'])
})

test('`serve --otel` serves without traces where the environment turns them off', async () => {
  expect((await serveOne({ OTEL_SDK_DISABLED: 'true' })).traceId).toBe(null)
})

test.each([
  [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'Expected OTEL_TRACES_EXPORTER to be otlp or none, got `"zipkin"` (string)'],
  [
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    'Expected OTEL_EXPORTER_OTLP_TRACES_PROTOCOL to be http/protobuf or http/json, got `"grpc"` (string)',
  ],
])('the variables %j are refused', async (env, message) => {
  await expect(startOtelSdk(env, ignore)).rejects.toMatchObject({ code: 'INVALID_OPTION', message })
})

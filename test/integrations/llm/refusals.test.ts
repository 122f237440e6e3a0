import { expect, test } from 'vitest'
import { StreamingExecutor } from '../../../src/index.ts'
import { createChatTool, type ProviderParams } from '../../../src/integrations/llm/index.ts'
import {
  collect,
  DONE,
  type FakeAnswer,
  type FakeEndpoint,
  fakeEndpoint,
  fakeProvider,
  message,
  usageMessage,
} from './stream-rig.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const answer: FakeAnswer = { chunks: [message('six', 'stop'), usageMessage(3, 1), DONE] }
const refuse = (body: unknown, status = 400): FakeAnswer => ({
  status,
  headers: JSON_TYPE,
  chunks: [typeof body === 'string' ? body : JSON.stringify(body)],
})
const openai = (param: string, text: string, code = 'unsupported_parameter'): FakeAnswer =>
  refuse({ error: { message: text, type: 'invalid_request_error', param, code } })

/** The fields of each request, beside those that all have. */
const fieldsOf = ({ requests }: FakeEndpoint): Record<string, unknown>[] =>
  requests.map(({ body: { model: _model, messages: _messages, stream: _stream, ...rest } }) => rest)

const OPTIONS = { stream_options: { include_usage: true } }
const PARAMS: ProviderParams = { temperature: 0.2, maxTokens: 9, extra: { top_p: 0.5, user: 'u' } }
const ALL = { ...OPTIONS, top_p: 0.5, user: 'u', temperature: 0.2, max_tokens: 9 }

test.each<[from: string, field: string, refusal: FakeAnswer]>([
  [
    'OpenAI',
    'temperature',
    openai(
      'temperature',
      "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
      'unsupported_value',
    ),
  ],
  ['OpenAI', 'top_p', openai('top_p', "Unsupported parameter: 'top_p' is not supported with this model.")],
  ['OpenAI', 'user', openai('user', 'Unknown parameter: user.', 'unknown_parameter')],
  [
    'OpenAI of old',
    'stream_options',
    refuse({
      error: {
        message: 'Unrecognized request argument supplied: stream_options',
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
    }),
  ],
  [
    'Azure',
    'stream_options',
    refuse({ error: { code: 'BadRequest', message: 'Unrecognized request argument supplied: stream_options' } }),
  ],
  [
    'Azure AI, a Mistral model',
    'stream_options',
    refuse({
      error: {
        code: 'Invalid input',
        message: JSON.stringify({
          detail: [
            {
              type: 'extra_forbidden',
              loc: ['body', 'stream_options', 'include_usage'],
              msg: 'Extra inputs are not permitted',
              input: true,
            },
          ],
        }),
        status: 422,
      },
    }),
  ],
  [
    'Mistral',
    'stream_options',
    refuse(
      {
        object: 'error',
        message: {
          detail: [
            {
              type: 'extra_forbidden',
              loc: ['body', 'stream_options'],
              msg: 'Extra inputs are not permitted',
              input: { include_usage: true },
            },
          ],
        },
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
      422,
    ),
  ],
  [
    'Mistral',
    'user',
    refuse(
      {
        detail: [
          {
            type: 'extra_forbidden',
            loc: ['body', 'user'],
            msg: 'Extra inputs are not permitted',
            input: 'temperature',
          },
        ],
      },
      422,
    ),
  ],
  [
    'vLLM',
    'stream_options',
    refuse({
      object: 'error',
      message:
        "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted', 'input': {'include_usage': True}}]",
      type: 'BadRequestError',
      param: null,
      code: 400,
    }),
  ],
  ['a server in Go', 'stream_options', refuse({ error: { message: 'json: unknown field "stream_options"' } })],
  [
    'Gemini',
    'top_p',
    refuse([
      {
        error: {
          code: 400,
          message: 'Invalid JSON payload received. Unknown name "top_p": Cannot find field.',
          status: 'INVALID_ARGUMENT',
        },
      },
    ]),
  ],
  ['Groq', 'user', refuse({ error: { message: "property 'user' is unsupported", type: 'invalid_request_error' } })],
  [
    'LiteLLM',
    'temperature',
    refuse({
      error: {
        message:
          "litellm.UnsupportedParamsError: openai does not support parameters: ['temperature'], for model=o1. To drop these, set `litellm.drop_params=True`",
        type: 'None',
        param: 'None',
        code: '400',
      },
    }),
  ],
  [
    'Anthropic',
    'temperature',
    refuse({ error: { type: 'invalid_request_error', message: '`temperature` is deprecated for this model.' } }),
  ],
  [
    'a JSON schema',
    'stream_options',
    refuse({ error: "Additional properties are not allowed ('stream_options' was unexpected)" }),
  ],
  ['plain text', 'stream_options', refuse('stream_options is not supported')],
  [
    'OpenRouter, with the answer of its upstream',
    'top_p',
    refuse({
      error: {
        message: 'Provider returned error',
        code: 400,
        metadata: {
          raw: '{"error":{"message":"Unsupported parameter: \'top_p\'","param":"top_p","code":"unsupported_parameter"}}',
        },
      },
    }),
  ],
])('%s refuses `%s`: sent again without it, once, and reported', async (_, field, refusal) => {
  const endpoint = fakeEndpoint(refusal, answer)
  const provider = fakeProvider(endpoint, { model: 'm' })
  const notices: string[] = []
  const events = await collect(provider, { ...PARAMS, onNotice: said => notices.push(said) })
  expect(events.map(({ type }) => type)).toEqual(['content', 'usage', 'done'])
  const { [field]: _field, ...rest } = ALL as Record<string, unknown>
  expect(fieldsOf(endpoint)).toEqual([ALL, rest])
  expect(notices).toEqual([`The endpoint refused a part of the request: sent again without \`${field}\``])
})

test.each<[from: string, refusal: FakeAnswer]>([
  [
    'OpenAI',
    openai(
      'max_tokens',
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ),
  ],
  [
    'a gateway',
    refuse({
      error: {
        message:
          "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        code: 'invalid_request_body',
      },
    }),
  ],
])('%s refuses `max_tokens`: the bound goes by its new name', async (_, refusal) => {
  const endpoint = fakeEndpoint(refusal, answer)
  await collect(fakeProvider(endpoint), { maxTokens: 9 })
  expect(fieldsOf(endpoint)).toEqual([
    { ...OPTIONS, max_tokens: 9 },
    { ...OPTIONS, max_completion_tokens: 9 },
  ])
})

test('a bound that is refused by both names is not omitted', async () => {
  const endpoint = fakeEndpoint(openai('max_tokens', 'Unsupported'), openai('max_completion_tokens', 'Unsupported'))
  const events = await collect(fakeProvider(endpoint), { maxTokens: 9 })
  expect(events).toMatchObject([{ type: 'error', data: { code: 4000 } }])
  expect(endpoint.requests.length).toBe(2)
})

test('fields that are refused one after the other are all omitted, up to a bound', async () => {
  const named = ['temperature', 'top_p', 'user', 'stream_options', 'max_tokens']
  const refusals = named.map(name => openai(name, `Unsupported parameter: '${name}'`))
  const mended = fakeEndpoint(...refusals.slice(0, 2), answer)
  expect((await collect(fakeProvider(mended), PARAMS)).at(-1)).toMatchObject({ type: 'done' })
  const hopeless = fakeEndpoint(...refusals)
  expect(await collect(fakeProvider(hopeless), PARAMS)).toMatchObject([{ type: 'error', data: { code: 4000 } }])
  expect(hopeless.requests.length).toBe(5)
})

test.each<[what: string, refusal: FakeAnswer]>([
  ['the same field again', openai('temperature', "Unsupported parameter: 'temperature'")],
])('%s is not tried for ever', async (_, refusal) => {
  const endpoint = fakeEndpoint(refusal)
  expect(await collect(fakeProvider(endpoint), PARAMS)).toMatchObject([{ type: 'error', data: { code: 4000 } }])
  expect(endpoint.requests.length).toBe(2)
})

test.each<[what: string, refusal: FakeAnswer]>([
  [
    'a value out of range',
    openai(
      'temperature',
      "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, got 9.",
      'decimal_above_max_value',
    ),
  ],
  ['the model', openai('model', 'The model `m` is not supported', 'model_not_supported')],
  [
    'the messages',
    openai(
      'messages[0].role',
      "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
      'unsupported_value',
    ),
  ],
  ['nothing', refuse({ error: { message: 'This request is not supported' } })],
  ['an ordinary word', refuse({ error: { message: 'This user is not allowed to do this' } })],
  ['a field, with another status', { ...openai('temperature', "Unsupported parameter: 'temperature'"), status: 403 }],
])('a refusal that names %s is final', async (_, refusal) => {
  const endpoint = fakeEndpoint(refusal)
  expect(await collect(fakeProvider(endpoint), PARAMS)).toMatchObject([{ type: 'error' }])
  expect(endpoint.requests.length).toBe(1)
})

test('a field that a model has refused is not sent to it again, and still sent to others', async () => {
  const endpoint = fakeEndpoint(openai('temperature', "Unsupported parameter: 'temperature'"), answer)
  const provider = fakeProvider(endpoint, { omit: ['stream_options'] })
  const notices: string[] = []
  const onNotice = (said: string): number => notices.push(said)
  for (const model of ['a', 'a', 'b']) await collect(provider, { model, temperature: 0, onNotice })
  expect(fieldsOf(endpoint)).toEqual([{ temperature: 0 }, {}, {}, { temperature: 0 }])
  expect(notices).toEqual([
    'The endpoint refused a part of the request: sent again without `temperature`',
    'Sent without `temperature`, which `a` has refused before',
  ])
})

test('an omission that did not help is forgotten', async () => {
  const endpoint = fakeEndpoint(openai('temperature', "Unsupported parameter: 'temperature'"), refuse({ error: 'no' }))
  const provider = fakeProvider(endpoint)
  await collect(provider, { temperature: 0 })
  await collect(provider, { temperature: 0 })
  expect(fieldsOf(endpoint).map(fields => 'temperature' in fields)).toEqual([true, false, true])
})

test('`generate` asks again too, and counts usage once', async () => {
  const endpoint = fakeEndpoint(
    refuse({
      error: { message: 'unsupported', param: 'temperature' },
      usage: { prompt_tokens: 50, completion_tokens: 0 },
    }),
    answer,
  )
  expect(await fakeProvider(endpoint).generate('hi', { temperature: 0 })).toMatchObject({
    text: 'six',
    usage: { promptTokens: 3, completionTokens: 1 },
  })
})

test('`omit` and `extra` of provider and call are joined; `omit` wins', async () => {
  const endpoint = fakeEndpoint(answer)
  const provider = fakeProvider(endpoint, { extra: { top_p: 0.1, seed: 1 }, omit: ['stream_options'] })
  await collect(provider, { temperature: 1, extra: { top_p: 0.9, x: null }, omit: ['temperature', 'seed'] })
  await collect(fakeProvider(endpoint), { extra: { stream_options: { include_usage: false } } })
  expect(fieldsOf(endpoint)).toEqual([{ top_p: 0.9, x: null }, { stream_options: { include_usage: false } }])
})

test('an `omit` or `extra` that cannot be is refused', async () => {
  for (const options of [
    { omit: ['stream'] },
    { omit: 'x' as unknown as string[] },
    { extra: 'x' as unknown as object },
  ]) {
    expect(() => fakeProvider(fakeEndpoint(), options as object)).toThrow('Expected `')
    const endpoint = fakeEndpoint(answer)
    expect(await collect(fakeProvider(endpoint), options as ProviderParams)).toMatchObject([{ data: { code: 4000 } }])
    expect(endpoint.requests).toEqual([])
  }
})

test('a task has `omit` and `extra`, and an info event reports the changes', async () => {
  const endpoint = fakeEndpoint(openai('seed', "Unsupported parameter: 'seed'"), answer)
  const tool = createChatTool(fakeProvider(endpoint), { extra: { top_p: 1 }, omit: ['temperature'] })
  const args = { prompt: 'hi', temperature: 0, extra: { seed: 1 }, omit: ['stream_options'] }
  const execution = new StreamingExecutor([tool]).stream({ tasks: [{ id: 'a', tool: 'llm:chat', arguments: args }] })
  const told = []
  for await (const { type, data } of execution) if (type === 'info') told.push(data)
  expect((await execution.result).results[0]).toMatchObject({ status: 'success', output: { text: 'six' }, attempts: 1 })
  expect(fieldsOf(endpoint)).toEqual([{ top_p: 1, seed: 1 }, { top_p: 1 }])
  expect(told).toMatchObject([
    { level: 'warning', message: 'The endpoint refused a part of the request: sent again without `seed`' },
  ])
  expect((await execution.result).tokenUsage).toEqual({ totalTokensIn: 3, totalTokensOut: 1 })
})

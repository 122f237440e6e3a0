import { expect, test } from 'vitest'
import { startFaultRig } from './fault-rig.ts'
import { expectAnswers, HUGE, headerRows, INJECTED, LONG, post, type Row, UTF8 } from './hostile-rows.ts'
import { RawConnection, requestText } from './raw-connection.ts'
import { eventually, leavesNoHandles } from './handles.ts'
import { range, readMessages, seqsOf } from './recording.ts'

// Every header and cursor that can be thought of, by raw sockets: a defined answer each time, and the server continues.

leavesNoHandles()

const ONE = { tasks: [{ id: 'a', tool: 'work' }] }
const tools = { work: () => 1 }

test('whatever stands for the place to continue from, the answer is a stream, nothing, or a problem', async () => {
  const rig = await startFaultRig({ tools })
  const id = await rig.begin(ONE)
  await eventually('the executions', () => rig.figure('dagstream_executions_running'), 0)
  const values: Record<string, readonly [number, string]> = {
    'a place in the middle': [200, `${id}.1`],
    'the first place': [200, `${id}.0`],
    'the last place': [204, `${id}.4`],
    'beyond the end': [200, `${id}.5`],
    'far beyond the end': [200, `${id}.999999999999999`],
    'a number that is none any more': [400, `${id}.99999999999999999999`],
    negative: [400, `${id}.-1`],
    'with a sign': [400, `${id}.+1`],
    'with a zero before': [400, `${id}.01`],
    hexadecimal: [400, `${id}.0x1`],
    exponential: [400, `${id}.1e0`],
    fractional: [400, `${id}.1.5`],
    'without a number': [400, `${id}.`],
    'without a place': [400, id],
    'without an execution': [400, '.1'],
    'of another execution': [400, 'other.1'],
    'of a prototype': [400, '__proto__.1'],
    'two in one': [400, `${id}.1, ${id}.2`],
    'a path': [400, '../../etc/passwd.1'],
    'a query': [400, `${id}' OR 1=1--.1`],
    markup: [400, '<script>alert(1)</script>'],
    'Latin-1': [400, '\xe9.1'],
    'UTF-8': [400, `${UTF8}.1`],
    long: [400, LONG],
  }
  const onlyInHeaders: Record<string, readonly [number, string]> = {
    // As if there were none.
    empty: [200, ''],
    'white space': [200, ' \t '],
    'a place between white space': [200, `  ${id}.1\t`],
    'white space inside': [400, `${id}. 1`],
    'a NUL': [400, `${id}\0.1`],
    'a control character': [400, `${id}\x07.1`],
    'a bare CR': [400, `${id}.1\rX-Injected: yes`],
    'a folded line': [400, `${id}.1\r\n .5`],
    'a second header': [400, `${id}.1\r\nLast-Event-ID: ${id}.2`],
    'another header': [200, `${id}.1${INJECTED}`],
    huge: [431, HUGE],
  }
  const onlyInUrls: Record<string, readonly [number, string]> = {
    empty: [400, ''],
    'twice, the first counting': [200, `${id}.1&after=other.2`],
    'encoded in full': [200, `${id}%2E1`],
    'an encoded NUL': [400, `${id}.1%00`],
    'an encoded line break': [400, `${id}.1%0d%0aX-Injected:%20yes`],
    'a broken percent sign': [400, `${id}.1%`],
    'no UTF-8': [400, '%e9%ff'],
    'a plus sign': [400, `${id}.1+`],
    'a raw NUL': [400, `${id}.1\0`],
    'raw Latin-1': [400, `${id}.1\xe9`],
    huge: [431, HUGE],
  }
  const path = `/executions/${id}/events`
  await expectAnswers(rig, [
    ...headerRows('Last-Event-ID', { ...values, ...onlyInHeaders }, headers => requestText('GET', path, headers)),
    ...Object.entries({ ...values, ...onlyInUrls }).map(
      ([what, [status, value]]): Row => [
        `after=${what}`,
        status,
        // What a URL cannot hold as it is is encoded; the rest is sent raw.
        requestText('GET', `${path}?after=${what in onlyInUrls ? value : encodeURIComponent(value)}`),
      ],
    ),
  ])
})

test('a workflow is never run for a request with a place to continue from', async () => {
  const rig = await startFaultRig({ tools })
  const id = await rig.begin(ONE)
  await eventually('the executions', () => rig.figure('dagstream_executions_running'), 0)
  const values: Record<string, readonly [number, string]> = {
    'a place in the middle': [200, `${id}.1`],
    'the last place': [204, `${id}.4`],
    'of an execution that does not exist': [404, 'other.1'],
    malformed: [400, 'x'],
  }
  await expectAnswers(
    rig,
    headerRows('Last-Event-ID', values, headers => post({ Accept: 'text/event-stream', ...headers })),
  )
  expect(await rig.figure('dagstream_executions_total{status="success"}')).toBe(1)
})

test('whatever is accepted, preferred or typed, the answer is the result, 202, or a problem', async () => {
  const rig = await startFaultRig({ tools })
  await expectAnswers(rig, [
    ...headerRows(
      'Accept',
      {
        empty: [200, ''],
        nothing: [406, '*/*;q=0'],
        'something else': [406, 'image/png'],
        'no list at all': [200, ';;;,,,'],
        'a weight below 0': [200, 'text/event-stream;q=-1'],
        'a weight above 1': [200, 'text/event-stream;q=2'],
        'an open quotation mark': [200, 'text/event-stream;x="'],
        'many quotation marks': [200, '"'.repeat(5000)],
        'many backslashes': [200, `"${'\\'.repeat(5000)}`],
        'the same again and again': [200, 'text/event-stream,'.repeat(800)],
        'Latin-1': [200, '\xe9/\xe9'],
        'UTF-8': [200, `text/${UTF8}`],
        'a NUL': [400, 'text/\0'],
        'another header': [200, `*/*${INJECTED}`],
        huge: [431, 'a/b,'.repeat(20_000)],
      },
      post,
    ),
    ...headerRows(
      'Prefer',
      {
        empty: [200, ''],
        'only a sign': [200, '='],
        'an open quotation mark': [200, 'respond-async="'],
        'with a parameter': [202, 'respond-async; wait=x'],
        twice: [202, 'respond-async, respond-async'],
        'in another place': [202, 'wait=1, respond-async'],
        'part of a word': [200, 'not-respond-async'],
        'Latin-1': [200, '\xe9'],
        long: [200, `${LONG}, ,`],
        'a NUL': [400, 'respond-async\0'],
        huge: [431, HUGE],
      },
      post,
    ),
    ...headerRows(
      'Content-Type',
      {
        empty: [415, ''],
        'another type': [415, 'text/xml'],
        'a form': [415, 'application/x-www-form-urlencoded'],
        'many parts': [415, 'multipart/form-data; boundary=x'],
        'a longer word': [415, 'application/jsonx'],
        'its own kind of JSON': [200, 'application/vnd.x+json'],
        'another character set': [200, 'application/json; charset=utf-16'],
        'two types': [415, 'text/plain, application/json'],
        'Latin-1': [415, 'application/\xe9'],
        long: [200, `application/${'a+'.repeat(4000)}json`],
        'almost, and long': [415, `application/${'a+'.repeat(4000)}jso`],
        'a control character': [400, 'application/json\x01'],
        'another header': [200, `application/json${INJECTED}`],
        huge: [431, HUGE],
      },
      post,
    ),
  ])
})

test('whatever the key is, the workflow runs once or the key is refused', async () => {
  const rig = await startFaultRig({ tools })
  const values: Record<string, readonly [number, string]> = {
    'of 255 characters': [200, 'x'.repeat(255)],
    'of 255 characters, again': [200, 'x'.repeat(255)],
    'of 256 characters': [400, 'x'.repeat(256)],
    'of a prototype': [200, '__proto__'],
    'of a method': [200, 'constructor'],
    punctuation: [200, `!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`],
    empty: [400, ''],
    'with a space': [400, 'a b'],
    'with a tab': [400, 'a\tb'],
    'Latin-1': [400, '\xe9'],
    'UTF-8': [400, UTF8],
    'a control character': [400, 'a\x01'],
    'a NUL': [400, 'a\0'],
    'a DEL': [400, 'a\x7f'],
    twice: [400, 'a\r\nIdempotency-Key: b'],
    'another header': [200, `a${INJECTED}`],
    long: [400, LONG],
    huge: [431, HUGE],
  }
  await expectAnswers(rig, headerRows('Idempotency-Key', values, post))
  // One key came twice.
  expect(await rig.figure('dagstream_executions_total{status="success"}')).toBe(5)
})

test('hostile requests do not affect a live stream beside them', async () => {
  const rig = await startFaultRig()
  const id = await rig.begin({ tasks: [{ id: 'a', tool: 'work' }] })
  const path = `/executions/${id}/events`
  const reader = await RawConnection.open(rig.port)
  reader.send(requestText('GET', path))
  const a = await rig.call('a')
  const hostile = [`${id}.99`, 'x', '\0', HUGE, '\xe9'].map(value =>
    requestText('GET', path, { 'Last-Event-ID': value }),
  )
  for (const request of hostile) {
    const connection = await RawConnection.open(rig.port)
    connection.send(request)
    await connection.until(received => received.length > 0)
    connection.destroy()
    a.context.log('info', 'still here')
  }
  a.succeed()
  const answer = await reader.answer()
  reader.destroy()
  expect([answer.isComplete, seqsOf(readMessages(answer.body))]).toEqual([true, range(1, 9)])
})

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A span as it arrived over OTLP. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly kind: unknown }[]
  readonly status: { readonly code?: number; readonly message?: string }
  readonly scope: { readonly name: string; readonly schemaUrl: string | undefined }
  readonly resource: Readonly<Record<string, unknown>>
}

/** A receiver of OTLP over HTTP with JSON, as a collector is one. */
export interface OtlpReceiver {
  /** Of the receiver, for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string
  readonly spans: readonly ReceivedSpan[]
  /** The path and the content type of each request. */
  readonly requests: readonly string[]
  readonly find: (name: string) => ReceivedSpan
  readonly close: () => Promise<void>
}

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string }
      readonly schemaUrl?: string
      readonly spans: readonly WireSpan[]
    }[]
  }[]
}

interface WireSpan extends Omit<ReceivedSpan, 'attributes' | 'links' | 'scope' | 'resource' | 'parentSpanId'> {
  readonly parentSpanId?: string
  readonly attributes?: readonly Attribute[]
  readonly links?: readonly {
    readonly traceId: string
    readonly spanId: string
    readonly attributes: readonly Attribute[]
  }[]
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  const requests: string[] = []
  const server = createServer((request, response) => {
    void readBody(request).then(body => {
      requests.push(`${request.method} ${request.url} ${request.headers['content-type']}`)
      if (request.headers['content-type'] === 'application/json') spans.push(...readSpans(JSON.parse(body.toString())))
      response
        .setHeader('Content-Type', request.headers['content-type'] ?? 'application/json')
        .end(body.length > 0 ? '{}' : '')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    find(name) {
      const found = spans.filter(span => span.name === name)
      if (found.length !== 1) throw new Error(`Expected one span ${name} of ${spans.map(span => span.name).join(', ')}`)
      return found[0] as ReceivedSpan
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function readSpans({ resourceSpans }: Export): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, schemaUrl, spans }) =>
      spans.map(({ attributes, links = [], parentSpanId = '', ...span }) => ({
        ...span,
        parentSpanId,
        attributes: readAttributes(attributes),
        links: links.map(({ traceId, spanId, attributes: own }) => {
          return { traceId, spanId, kind: readAttributes(own)['dagstream.link'] }
        }),
        scope: { name: scope.name, schemaUrl },
        resource: readAttributes(resource.attributes),
      })),
    ),
  )
}

function readAttributes(attributes: readonly Attribute[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}

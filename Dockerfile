# A server that keeps its executions in the volume /data. It installs the packed package, as users do, and `pg` for many machines:
#   npm pack && docker build -t dagstream .
#   docker run -p 8321:8321 -v dagstream:/data -e DAGSTREAM_TOKEN=… dagstream
FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY dagstream-*.tgz ./package.tgz
RUN --mount=type=cache,target=/root/.npm npm install --ignore-scripts --no-audit --no-fund ./package.tgz pg@8 && rm package.tgz
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8321
HEALTHCHECK CMD ["node", "-e", "fetch('http://127.0.0.1:8321/healthz', { headers: { authorization: `Bearer ${process.env.DAGSTREAM_TOKEN}` } }).then(({ ok }) => process.exit(ok ? 0 : 1))"]
ENTRYPOINT ["node_modules/.bin/dagstream"]
CMD ["serve", "--host", "0.0.0.0", "--store", "/data/executions.db"]

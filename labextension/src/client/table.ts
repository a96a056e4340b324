/** What is called how: the methods and the records of the protocol. Made by scripts/page_client.py from the table of methods in ipfs_comm/rpc/services: changes belong there. */

import type { Methods, Records } from '../rpc/kinds.js';

export const RECORDS: Records = {
  AddResult: { path: 'text', cid: 'cid', size: 'natural', mode: 'mode?', mtime: 'mtime?' },
  BandwidthStat: { totalIn: 'bigint', totalOut: 'bigint', rateIn: 'number', rateOut: 'number' },
  BitswapStat: { provideBufLen: 'natural', wantlist: 'list<cid>', peers: 'list<peer>', blocksReceived: 'bigint', dataReceived: 'bigint', blocksSent: 'bigint', dataSent: 'bigint', dupBlksReceived: 'bigint', dupDataReceived: 'bigint' },
  BlockRemoval: { cid: 'cid', error: 'error?' },
  BlockStat: { cid: 'cid', size: 'natural' },
  BootstrapResult: { Peers: 'list<multiaddr>' },
  Capabilities: { kind: 'text', version: 'text', repoVersion: 'text', readOnly: 'flag', methods: 'list<text>', unsupported: 'list<text>', limits: 'limits', protocol: 'natural?' },
  ConfigProfile: { name: 'text', description: 'text' },
  ConfigProfileResult: { original: 'json', updated: 'json' },
  DagGetResult: { remainderPath: 'text', value: 'node' },
  DagImportResult: { root: 'DagImportRoot?', stats: 'DagImportStats?' },
  DagImportRoot: { cid: 'cid', pinErrorMsg: 'text' },
  DagImportStats: { blockCount: 'natural', blockBytesCount: 'natural' },
  DagResolveResult: { cid: 'cid', remainderPath: 'text' },
  DagStat: { cid: 'cid', size: 'natural', numBlocks: 'natural' },
  DagStatResult: { uniqueBlocks: 'natural', totalSize: 'natural', sharedSize: 'natural', ratio: 'number', dagStats: 'list<DagStat>' },
  FileEntry: { name: 'text', type: 'text', size: 'natural', cid: 'cid', mode: 'mode?', mtime: 'mtime?' },
  FileStat: { cid: 'cid', type: 'text', size: 'natural', cumulativeSize: 'natural', blocks: 'natural', local: 'flag?', sizeLocal: 'natural?', withLocality: 'flag', mode: 'mode?', mtime: 'mtime?' },
  GCResult: { cid: 'cid', err: 'error?' },
  IDResult: { id: 'peer', publicKey: 'text', addresses: 'list<multiaddr>', agentVersion: 'text', protocolVersion: 'text', protocols: 'list<text>', ephemeral: 'flag' },
  KeyRenameResult: { id: 'text', was: 'text', now: 'text', overwrite: 'flag' },
  KeyResult: { id: 'text', name: 'text' },
  LsEntry: { cid: 'cid', type: 'text', name: 'text', path: 'text', mode: 'mode?', mtime: 'mtime?', size: 'natural' },
  NamePublishResult: { name: 'text', value: 'text' },
  NamePubsubCancelResult: { canceled: 'flag' },
  NamePubsubState: { enabled: 'flag' },
  ObjectStat: { Hash: 'cid', NumLinks: 'natural', BlockSize: 'natural', LinksSize: 'natural', DataSize: 'natural', CumulativeSize: 'natural' },
  PBLink: { Hash: 'cid', Name: 'text?', Tsize: 'natural?' },
  PBNode: { Links: 'list<PBLink>', Data: 'bytes?' },
  PeerAddresses: { id: 'peer', addrs: 'list<multiaddr>' },
  PeerInfo: { id: 'peer', multiaddrs: 'list<multiaddr>' },
  PinEntry: { cid: 'cid', type: 'text', metadata: 'json?', name: 'text?' },
  PingResult: { success: 'flag', time: 'number', text: 'text' },
  PubsubMessage: { topic: 'text', data: 'bytes', from: 'peer', sequenceNumber: 'bigint?', type: 'text' },
  RefEntry: { ref: 'text', err: 'text' },
  RemotePin: { status: 'text', cid: 'cid', name: 'text' },
  RemotePinCount: { queued: 'natural', pinning: 'natural', pinned: 'natural', failed: 'natural' },
  RemotePinService: { service: 'text', endpoint: 'url', stat: 'RemotePinStat?' },
  RemotePinStat: { status: 'text', pinCount: 'RemotePinCount?' },
  RepoStat: { numObjects: 'bigint', repoSize: 'bigint', repoPath: 'text', version: 'text', storageMax: 'bigint' },
  RoutingEvent: { type: 'natural', name: 'text', from: 'peer?', peer: 'PeerInfo?', closer: 'list<PeerInfo>', providers: 'list<PeerInfo>', value: 'bytes?', error: 'text?' },
  SwarmPeer: { addr: 'multiaddr', peer: 'peer', latency: 'text?', muxer: 'text?', streams: 'list<text>?', direction: 'text?' },
  VerifyResult: { cid: 'cid', error: 'error' },
  VersionResult: { version: 'text', repo: 'text', commit: 'text', 'interface-ipfs-core': 'text' }
};

export const METHODS: Methods = {
  core: {
    add: { parameters: { input: 'entry' }, options: { blockWriteConcurrency: 'natural', chunker: 'text', cidVersion: 'natural', fileImportConcurrency: 'natural', hamtEstimation: 'text', hashAlg: 'text', inline: 'flag', inlineLimit: 'natural', mode: 'mode', mtime: 'mtime', onlyHash: 'flag', pin: 'flag', pinName: 'text', preload: 'flag', profile: 'text', rawLeaves: 'flag', replicationMax: 'integer', replicationMin: 'integer', shardSplitThreshold: 'threshold', trickle: 'flag', wrapWithDirectory: 'flag' }, answer: 'AddResult', flow: 'value', member: 'data' },
    addAll: { parameters: { input: 'entries' }, options: { blockWriteConcurrency: 'natural', chunker: 'text', cidVersion: 'natural', fileImportConcurrency: 'natural', hamtEstimation: 'text', hashAlg: 'text', inline: 'flag', inlineLimit: 'natural', mode: 'mode', mtime: 'mtime', onlyHash: 'flag', pin: 'flag', pinName: 'text', preload: 'flag', profile: 'text', rawLeaves: 'flag', replicationMax: 'integer', replicationMin: 'integer', shardSplitThreshold: 'threshold', trickle: 'flag', wrapWithDirectory: 'flag' }, answer: 'AddResult', flow: 'stream', member: 'data' },
    cat: { parameters: { path: 'path' }, options: { offset: 'natural', length: 'bound', offline: 'flag' }, answer: 'bytes', flow: 'stream', member: 'data' },
    get: { parameters: { path: 'path' }, options: { archive: 'flag', compress: 'flag', compressionLevel: 'natural', offline: 'flag' }, answer: 'bytes', flow: 'stream', member: 'data' },
    ls: { parameters: { path: 'path' }, options: { recursive: 'flag', offline: 'flag' }, answer: 'LsEntry', flow: 'stream', member: 'data' },
    refs: { parameters: { paths: 'some<path>' }, options: { edges: 'flag', format: 'text', maxDepth: 'bound', recursive: 'flag', unique: 'flag', offline: 'flag' }, answer: 'RefEntry', flow: 'stream', member: 'data' },
    resolve: { parameters: { path: 'path' }, options: { cidBase: 'text', recursive: 'flag', offline: 'flag' }, answer: 'text', flow: 'value', member: 'data' },
    id: { parameters: {}, options: { peerId: 'peer' }, answer: 'IDResult', flow: 'value', member: 'data' },
    version: { parameters: {}, options: {}, answer: 'VersionResult', flow: 'value', member: 'data' },
    dns: { parameters: { domain: 'text' }, options: { nocache: 'flag', recursive: 'flag', offline: 'flag' }, answer: 'text', flow: 'value', member: 'data' },
    ping: { parameters: { peerId: 'peer' }, options: { count: 'natural' }, answer: 'PingResult', flow: 'stream', member: 'data' },
    isOnline: { parameters: {}, options: {}, answer: 'flag', flow: 'value', member: 'data' },
    stop: { parameters: {}, options: {}, answer: 'nothing', flow: 'value', member: 'data' },
    capabilities: { parameters: {}, options: {}, answer: 'Capabilities', flow: 'value', member: 'data' }
  },
  dag: {
    put: { parameters: { dagNode: 'node' }, options: { format: 'text', hashAlg: 'text', inputCodec: 'text', onlyHash: 'flag', pin: 'flag', storeCodec: 'text', version: 'natural', offline: 'flag' }, answer: 'cid', flow: 'value', member: '' },
    get: { parameters: { cid: 'path' }, options: { localResolve: 'flag', path: 'text', offline: 'flag' }, answer: 'DagGetResult', flow: 'value', member: '' },
    resolve: { parameters: { cid: 'path' }, options: { path: 'text', offline: 'flag' }, answer: 'DagResolveResult', flow: 'value', member: '' },
    tree: { parameters: { cid: 'path' }, options: { path: 'text', recursive: 'flag', offline: 'flag' }, answer: 'text', flow: 'stream', member: 'data' },
    export: { parameters: { root: 'path' }, options: { offline: 'flag' }, answer: 'bytes', flow: 'stream', member: 'data' },
    import: { parameters: { source: 'cars' }, options: { pinRoots: 'flag', stats: 'flag' }, answer: 'DagImportResult', flow: 'stream', member: 'data' },
    stat: { parameters: { roots: 'some<path>' }, options: { offline: 'flag' }, answer: 'DagStatResult', flow: 'value', member: 'data' }
  },
  block: {
    put: { parameters: { block: 'bytes' }, options: { format: 'text', mhlen: 'natural', mhtype: 'text', pin: 'flag', version: 'natural', offline: 'flag' }, answer: 'cid', flow: 'value', member: 'cid' },
    get: { parameters: { cid: 'cid' }, options: { offline: 'flag' }, answer: 'bytes', flow: 'value', member: 'block' },
    rm: { parameters: { cids: 'some<cid>' }, options: { force: 'flag', quiet: 'flag' }, answer: 'BlockRemoval', flow: 'array', member: '' },
    stat: { parameters: { cid: 'cid' }, options: { offline: 'flag' }, answer: 'BlockStat', flow: 'value', member: '' }
  },
  files: {
    stat: { parameters: { path: 'path' }, options: { hash: 'flag', size: 'flag', withLocal: 'flag', offline: 'flag' }, answer: 'FileStat', flow: 'value', member: 'stat' },
    ls: { parameters: { path: 'path' }, options: { offline: 'flag' }, answer: 'FileEntry', flow: 'stream', member: 'data' },
    read: { parameters: { path: 'path' }, options: { length: 'bound', offset: 'natural', offline: 'flag' }, answer: 'bytes', flow: 'stream', member: 'data' },
    write: { parameters: { path: 'path', content: 'content' }, options: { create: 'flag', length: 'bound', mode: 'mode', mtime: 'mtime', offset: 'natural', parents: 'flag', rawLeaves: 'flag', reduceSingleLeafToSelf: 'flag', truncate: 'flag', cidVersion: 'natural', hashAlg: 'text', flush: 'flag', shardSplitThreshold: 'threshold', offline: 'flag' }, answer: 'nothing', flow: 'value', member: 'data' },
    mkdir: { parameters: { path: 'path' }, options: { mode: 'mode', mtime: 'mtime', parents: 'flag', cidVersion: 'natural', hashAlg: 'text', flush: 'flag', shardSplitThreshold: 'threshold', offline: 'flag' }, answer: 'nothing', flow: 'value', member: 'data' },
    cp: { parameters: { from: 'some<path>', to: 'path' }, options: { force: 'flag', parents: 'flag', recursive: 'flag', cidVersion: 'natural', hashAlg: 'text', flush: 'flag', shardSplitThreshold: 'threshold', offline: 'flag' }, answer: 'nothing', flow: 'value', member: 'data' },
    mv: { parameters: { from: 'some<path>', to: 'path' }, options: { parents: 'flag', recursive: 'flag', cidVersion: 'natural', hashAlg: 'text', flush: 'flag', shardSplitThreshold: 'threshold', offline: 'flag' }, answer: 'nothing', flow: 'value', member: 'data' },
    rm: { parameters: { paths: 'some<path>' }, options: { force: 'flag', recursive: 'flag', flush: 'flag', shardSplitThreshold: 'threshold', offline: 'flag' }, answer: 'nothing', flow: 'value', member: 'data' },
    touch: { parameters: { path: 'path' }, options: { mtime: 'mtime', cidVersion: 'natural', hashAlg: 'text', flush: 'flag', shardSplitThreshold: 'threshold', offline: 'flag' }, answer: 'nothing', flow: 'value', member: 'data' },
    chmod: { parameters: { path: 'path', mode: 'mode-change' }, options: { recursive: 'flag', cidVersion: 'natural', hashAlg: 'text', flush: 'flag', shardSplitThreshold: 'threshold', offline: 'flag' }, answer: 'nothing', flow: 'value', member: 'data' },
    flush: { parameters: { path: 'path' }, options: { offline: 'flag' }, answer: 'cid', flow: 'value', member: 'data' }
  },
  pin: {
    add: { parameters: { path: 'path' }, options: { metadata: 'json', name: 'text', recursive: 'flag', replicationMax: 'integer', replicationMin: 'integer', offline: 'flag' }, answer: 'cid', flow: 'value', member: 'data' },
    addAll: { parameters: { source: 'stream<pin-source>' }, options: { offline: 'flag' }, answer: 'cid', flow: 'stream', member: 'data' },
    ls: { parameters: {}, options: { paths: 'some<path>', name: 'text', type: 'text', offline: 'flag' }, answer: 'PinEntry', flow: 'stream', member: 'data' },
    rm: { parameters: { path: 'path' }, options: { recursive: 'flag', offline: 'flag' }, answer: 'cid', flow: 'value', member: 'data' },
    rmAll: { parameters: { source: 'stream<pin-source>' }, options: { offline: 'flag' }, answer: 'cid', flow: 'stream', member: 'data' },
    update: { parameters: { from: 'path', to: 'path' }, options: { unpin: 'flag', offline: 'flag' }, answer: 'cid', flow: 'value', member: 'data' }
  },
  'pin.remote': {
    add: { parameters: { cid: 'path' }, options: { service: 'text', name: 'text', origins: 'list<multiaddr>', background: 'flag', offline: 'flag' }, answer: 'RemotePin', flow: 'value', member: 'data' },
    ls: { parameters: {}, options: { service: 'text', cid: 'some<path>', name: 'text', status: 'some<text>' }, answer: 'RemotePin', flow: 'stream', member: 'data' },
    rm: { parameters: {}, options: { service: 'text', cid: 'some<path>', name: 'text', status: 'some<text>' }, answer: 'nothing', flow: 'value', member: 'data' },
    rmAll: { parameters: {}, options: { service: 'text', cid: 'some<path>', name: 'text', status: 'some<text>' }, answer: 'nothing', flow: 'value', member: 'data' }
  },
  'pin.remote.service': {
    add: { parameters: { name: 'text' }, options: { endpoint: 'url', key: 'text' }, answer: 'nothing', flow: 'value', member: 'data' },
    ls: { parameters: {}, options: { stat: 'flag' }, answer: 'list<RemotePinService>', flow: 'value', member: 'data' },
    rm: { parameters: { name: 'text' }, options: {}, answer: 'nothing', flow: 'value', member: 'data' }
  },
  refs: {
    local: { parameters: {}, options: {}, answer: 'RefEntry', flow: 'stream', member: 'data' }
  },
  key: {
    gen: { parameters: { name: 'text' }, options: { size: 'natural', type: 'text' }, answer: 'KeyResult', flow: 'value', member: 'data' },
    list: { parameters: {}, options: {}, answer: 'list<KeyResult>', flow: 'value', member: 'data' },
    info: { parameters: { name: 'text' }, options: {}, answer: 'KeyResult', flow: 'value', member: 'data' },
    rm: { parameters: { name: 'text' }, options: {}, answer: 'KeyResult', flow: 'value', member: 'data' },
    rename: { parameters: { oldName: 'text', newName: 'text' }, options: { force: 'flag' }, answer: 'KeyRenameResult', flow: 'value', member: 'data' },
    export: { parameters: { name: 'text', password: 'text' }, options: { format: 'text' }, answer: 'text-or-bytes', flow: 'value', member: 'data' },
    import: { parameters: { name: 'text', data: 'text-or-bytes', password: 'text' }, options: {}, answer: 'KeyResult', flow: 'value', member: 'data' },
    sign: { parameters: { data: 'bytes' }, options: { key: 'text' }, answer: 'bytes', flow: 'value', member: 'data' },
    verify: { parameters: { data: 'bytes', signature: 'bytes' }, options: { key: 'text' }, answer: 'flag', flow: 'value', member: 'data' }
  },
  name: {
    publish: { parameters: { value: 'path' }, options: { allowOffline: 'flag', key: 'text', lifetime: 'duration', resolve: 'flag', sequence: 'natural', ttl: 'duration', v1compat: 'flag', offline: 'flag' }, answer: 'NamePublishResult', flow: 'value', member: 'data' },
    resolve: { parameters: { name: 'path' }, options: { nocache: 'flag', recursive: 'flag', offline: 'flag' }, answer: 'text', flow: 'stream', member: 'data' },
    get: { parameters: { name: 'text' }, options: { offline: 'flag' }, answer: 'bytes', flow: 'value', member: 'data' },
    put: { parameters: { name: 'text', record: 'bytes' }, options: { allowOffline: 'flag', offline: 'flag' }, answer: 'NamePublishResult', flow: 'value', member: 'data' }
  },
  'name.pubsub': {
    cancel: { parameters: { name: 'text' }, options: {}, answer: 'NamePubsubCancelResult', flow: 'value', member: 'data' },
    state: { parameters: {}, options: {}, answer: 'NamePubsubState', flow: 'value', member: 'data' },
    subs: { parameters: {}, options: {}, answer: 'list<text>', flow: 'value', member: 'data' }
  },
  object: {
    new: { parameters: {}, options: { template: 'text' }, answer: 'cid', flow: 'value', member: 'data' },
    put: { parameters: { node: 'pb-node' }, options: { pin: 'flag', offline: 'flag' }, answer: 'cid', flow: 'value', member: 'data' },
    get: { parameters: { cid: 'cid' }, options: { offline: 'flag' }, answer: 'PBNode', flow: 'value', member: 'data' },
    data: { parameters: { cid: 'cid' }, options: { offline: 'flag' }, answer: 'bytes', flow: 'value', member: 'data' },
    links: { parameters: { cid: 'cid' }, options: { offline: 'flag' }, answer: 'list<PBLink>', flow: 'value', member: 'data' },
    stat: { parameters: { cid: 'cid' }, options: { offline: 'flag' }, answer: 'ObjectStat', flow: 'value', member: 'data' }
  },
  'object.patch': {
    addLink: { parameters: { cid: 'cid', link: 'pb-link' }, options: { offline: 'flag' }, answer: 'cid', flow: 'value', member: 'data' },
    rmLink: { parameters: { cid: 'cid', link: 'pb-link-or-name' }, options: { offline: 'flag' }, answer: 'cid', flow: 'value', member: 'data' },
    appendData: { parameters: { cid: 'cid', data: 'bytes' }, options: { offline: 'flag' }, answer: 'cid', flow: 'value', member: 'data' },
    setData: { parameters: { cid: 'cid', data: 'bytes' }, options: { offline: 'flag' }, answer: 'cid', flow: 'value', member: 'data' }
  },
  repo: {
    gc: { parameters: {}, options: { quiet: 'flag' }, answer: 'GCResult', flow: 'stream', member: 'data' },
    stat: { parameters: {}, options: { sizeOnly: 'flag' }, answer: 'RepoStat', flow: 'value', member: 'data' },
    version: { parameters: {}, options: {}, answer: 'text', flow: 'value', member: 'data' },
    verify: { parameters: {}, options: {}, answer: 'VerifyResult', flow: 'stream', member: 'data' }
  },
  config: {
    get: { parameters: { key: 'text' }, options: {}, answer: 'json', flow: 'value', member: 'data' },
    getAll: { parameters: {}, options: {}, answer: 'json', flow: 'value', member: 'data' },
    set: { parameters: { key: 'text', value: 'json' }, options: {}, answer: 'nothing', flow: 'value', member: 'data' },
    replace: { parameters: { config: 'json' }, options: {}, answer: 'nothing', flow: 'value', member: 'data' }
  },
  'config.profiles': {
    list: { parameters: {}, options: {}, answer: 'list<ConfigProfile>', flow: 'value', member: 'data' },
    apply: { parameters: { name: 'text' }, options: { dryRun: 'flag' }, answer: 'ConfigProfileResult', flow: 'value', member: 'data' }
  },
  bootstrap: {
    add: { parameters: { addr: 'multiaddr' }, options: {}, answer: 'BootstrapResult', flow: 'value', member: 'data' },
    list: { parameters: {}, options: {}, answer: 'BootstrapResult', flow: 'value', member: 'data' },
    rm: { parameters: { addr: 'multiaddr' }, options: {}, answer: 'BootstrapResult', flow: 'value', member: 'data' },
    reset: { parameters: {}, options: {}, answer: 'BootstrapResult', flow: 'value', member: 'data' },
    clear: { parameters: {}, options: {}, answer: 'BootstrapResult', flow: 'value', member: 'data' }
  },
  stats: {
    bitswap: { parameters: {}, options: {}, answer: 'BitswapStat', flow: 'value', member: 'data' },
    repo: { parameters: {}, options: {}, answer: 'RepoStat', flow: 'value', member: 'data' },
    bw: { parameters: {}, options: { peer: 'peer', proto: 'text', poll: 'flag', interval: 'duration' }, answer: 'BandwidthStat', flow: 'stream', member: 'data' }
  },
  swarm: {
    addrs: { parameters: {}, options: {}, answer: 'list<PeerAddresses>', flow: 'value', member: 'data' },
    connect: { parameters: { addr: 'multiaddr' }, options: {}, answer: 'nothing', flow: 'value', member: 'data' },
    disconnect: { parameters: { addr: 'multiaddr' }, options: {}, answer: 'nothing', flow: 'value', member: 'data' },
    localAddrs: { parameters: {}, options: {}, answer: 'list<multiaddr>', flow: 'value', member: 'data' },
    peers: { parameters: {}, options: { direction: 'flag', streams: 'flag', verbose: 'flag', latency: 'flag' }, answer: 'list<SwarmPeer>', flow: 'value', member: 'data' }
  },
  bitswap: {
    wantlist: { parameters: {}, options: {}, answer: 'list<cid>', flow: 'value', member: 'data' },
    wantlistForPeer: { parameters: { peerId: 'peer' }, options: {}, answer: 'list<cid>', flow: 'value', member: 'data' },
    unwant: { parameters: { cids: 'some<cid>' }, options: {}, answer: 'nothing', flow: 'value', member: 'data' },
    stat: { parameters: {}, options: {}, answer: 'BitswapStat', flow: 'value', member: 'data' }
  },
  pubsub: {
    ls: { parameters: {}, options: {}, answer: 'list<text>', flow: 'value', member: 'data' },
    peers: { parameters: { topic: 'text' }, options: {}, answer: 'list<peer>', flow: 'value', member: 'data' },
    publish: { parameters: { topic: 'text', data: 'bytes' }, options: {}, answer: 'nothing', flow: 'value', member: 'data' },
    subscribe: { parameters: { topic: 'text', handler: 'handler<PubsubMessage>' }, options: { onError: 'handler<error>' }, answer: 'nothing', flow: 'value', member: 'data', lasting: true },
    unsubscribe: { parameters: { topic: 'text', handler: 'handler<PubsubMessage>' }, options: {}, answer: 'nothing', flow: 'value', member: 'data' }
  },
  dht: {
    findPeer: { parameters: { peerId: 'peer' }, options: {}, answer: 'RoutingEvent', flow: 'stream', member: 'data' },
    findProvs: { parameters: { cid: 'cid' }, options: { numProviders: 'natural' }, answer: 'RoutingEvent', flow: 'stream', member: 'data' },
    get: { parameters: { key: 'text-or-bytes' }, options: {}, answer: 'RoutingEvent', flow: 'stream', member: 'data' },
    provide: { parameters: { cids: 'some<cid>' }, options: { recursive: 'flag' }, answer: 'RoutingEvent', flow: 'stream', member: 'data' },
    put: { parameters: { key: 'text-or-bytes', value: 'bytes' }, options: {}, answer: 'RoutingEvent', flow: 'stream', member: 'data' },
    query: { parameters: { peerId: 'peer' }, options: {}, answer: 'RoutingEvent', flow: 'stream', member: 'data' }
  }
};

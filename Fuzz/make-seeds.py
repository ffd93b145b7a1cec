#!/usr/bin/env python3
"""Makes the seeds of the fuzzers: small files of every kind that the readers know."""
import bz2, ctypes, glob, gzip, io, json, lzma, os, struct, subprocess, tarfile, zipfile

R = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/"
S = R + "Fuzz/seeds/"
def put(t,n,b):
    os.makedirs(S+t,exist_ok=True); open(S+t+'/'+n,'wb').write(b if isinstance(b,bytes) else b.encode())
rd=lambda p: open(R+p,'rb').read()
def st(h,data=b''):
    t=json.dumps(h).encode() if not isinstance(h,bytes) else h
    return len(t).to_bytes(8,'little')+t+data
put('safetensors','two',st({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[24,30]}},bytes(30)))
put('safetensors','empty',st(b'{}'))
put('safetensors','dtypes',st({d:{"dtype":d,"shape":[1,0],"data_offsets":[0,0]} for d in ["F64","F16","I64","U8","BOOL","F8_E4M3"]}))
put('safetensors','peft-r4',st({"base_model.model.q.lora_A.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"base_model.model.q.lora_B.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]}},bytes(16)))
w=st({"base_model.model.m.q_proj.lora_A.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"base_model.model.m.q_proj.lora_B.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]}},struct.pack('<4f',1,2,3,4))
put('adapter','plain',json.dumps({"peft_type":"LORA","r":1,"lora_alpha":2,"target_modules":["q_proj"]}).encode()+b'\0'+w)
put('adapter','patterns',json.dumps({"peft_type":"LORA","r":8,"lora_alpha":2,"rank_pattern":{"^m.q_proj":1,"(a|b)+c{2,3}[x-z]\\d":4},"alpha_pattern":{".*q_proj":3},"use_rslora":True,"init_lora_weights":"gaussian"}).encode()+b'\0'+w)
for n in ['q_proj','^model\\.layers\\.(3|4)\\.self_attn\\.[qk]_proj$','(a|b)+c{2,3}[^x-z]?\\d\\W.*','((a{2}){3})*']: put('pattern','pattern-%d'%len(n),n)
put('json','object','{"a": [1, -2.5e3, true, null, "x\\u00e9\\n\\ud83d\\ude00"], "b": {"c": {}}}')
put('json','numbers',' [0, -0.0, 1e-7, 9223372036854775807, 9223372036854775808, 1E+300]')
put('json','python','{"loss": NaN, "x": [Infinity, -Infinity]}')
put('trainer-state','trainer',json.dumps({"epoch":1.0,"global_step":4,"max_steps":8,"log_history":[{"epoch":0.5,"step":2,"learning_rate":1e-4,"loss":2.5,"grad_norm":1.0},{"epoch":1.0,"eval_loss":2.0,"step":4},{"epoch":1.0,"step":4,"learning_rate":5e-5,"loss":float('nan')}]},indent=2))
put('ledger','rows','\n'.join(json.dumps(x) for x in [{"checkpoint":1,"split":"train","id":"a","domain":"m","learning_rate":1e-4,"loss":1.5,"tokens":3,"dot":{"m":0.5}},{"checkpoint":1,"split":"anchor","id":7,"loss":None,"learning_rate":1e-4},{"checkpoint":2,"split":"train","id":"a","domain":"m","loss":float('nan')}]))
for f in ['ok-everything','ok-anchors','ok-words-of-yaml-1.1','mergekit-ok-ties','mergekit-ok-slerp','list-as-key']:
    p='Tests/Fixtures/recipes/%s.yaml'%f
    put('recipe',f,rd(p))
put('recipe','limits','clients: [a, b]\nmerge: {method: average}\nlimits: {entry_size: 4GiB, entries: 5}\n')
# tiny optimizer from a real one is large; a made one follows from the tests' writer
files={'adapter_config.json':json.dumps({"peft_type":"LORA","r":1}),'adapter_model.safetensors':w,'checkpoint-4/adapter_config.json':'{}','checkpoint-4/adapter_model.safetensors':w,'checkpoint-4/trainer_state.json':'{"global_step":4}','samples.jsonl':'{"id":"a","split":"train","domain":"m"}\n','clues.json':'{"format":1,"client":"c","samples":{"train":1}}','README.md':'x'}
def tar(fmt):
    b=io.BytesIO(); t=tarfile.open(fileobj=b,mode='w',format=fmt)
    for n,c in files.items():
        c=c if isinstance(c,bytes) else c.encode(); i=tarfile.TarInfo(n); i.size=len(c); t.addfile(i,io.BytesIO(c))
    t.close(); return b.getvalue()
u=tar(tarfile.USTAR_FORMAT)[:]
put('bundle','tar-ustar',u); put('bundle','tar-pax',tar(tarfile.PAX_FORMAT)); put('bundle','tar.gz',gzip.compress(u,mtime=0)); put('bundle','tar.xz',lzma.compress(u)); put('bundle','tar.bz2',bz2.compress(u))
for m,n in [(zipfile.ZIP_STORED,'zip-stored'),(zipfile.ZIP_DEFLATED,'zip-deflated'),(zipfile.ZIP_LZMA,'zip-lzma'),(zipfile.ZIP_BZIP2,'zip-bzip2')]:
    b=io.BytesIO(); z=zipfile.ZipFile(b,'w',m)
    for k,c in files.items(): z.writestr(zipfile.ZipInfo(k),c,compress_type=m)
    z.close(); put('bundle',n,b.getvalue())
subprocess.run(["zstd", "-q", "-f", "-o", S + "bundle/tar.zst", S + "bundle/tar-ustar"], check=True)
a = ctypes.CDLL("libarchive.so.13")
for f in ("archive_write_new", "archive_entry_new"): getattr(a, f).restype = ctypes.c_void_p
P = ctypes.c_void_p
w7 = P(a.archive_write_new()); a.archive_write_set_format_7zip(w7); a.archive_write_open_filename(w7, (S + "bundle/7z").encode())
for k, c in files.items():
    c = c if isinstance(c, bytes) else c.encode()
    e = P(a.archive_entry_new()); a.archive_entry_set_pathname(e, k.encode()); a.archive_entry_set_filetype(e, 0o100000)
    a.archive_entry_set_size(e, ctypes.c_int64(len(c))); a.archive_write_header(w7, e); a.archive_write_data(w7, c, ctypes.c_size_t(len(c)))
a.archive_write_close(w7)
def X(s): s=s.encode(); return b'X'+struct.pack('<I',len(s))+s
def K(n): return b'K'+bytes([n])
def storage(key,n): return b'('+X('storage')+b'ctorch\nFloatStorage\n'+X(key)+X('cpu')+K(n)+b'tQ'
def tensor(key,n,shape,strides):
    tup=lambda v: b'('+b''.join(K(i) for i in v)+b't'
    return b'ctorch._utils\n_rebuild_tensor_v2\n('+storage(key,n)+K(0)+tup(shape)+tup(strides)+b'\x89'+b'ccollections\nOrderedDict\n)R'+b'tR'
def G(x): return b'G'+struct.pack('>d',x)
state=b''
recs={}
k=0
for p,(sh,st) in enumerate([((2,3),(3,1)),((3,2),(2,1))]):
    d=b'}('
    for name,n,shape,strides in [('step',1,(),()),('exp_avg',6,sh,st),('exp_avg_sq',6,sh,st)]:
        d+=X(name)+tensor(str(k),n,shape,strides); recs[str(k)]=struct.pack('<%df'%n,*[float(k+1)]*n); k+=1
    state+=K(p)+d+b'u'
group=b'}('+X('lr')+G(1e-4)+X('betas')+G(.9)+G(.999)+b'\x86'+X('eps')+G(1e-8)+X('weight_decay')+G(0.)+X('amsgrad')+b'\x89'+X('foreach')+b'N'+X('params')+b'](' +K(0)+K(1)+b'eu'
pkl=b'\x80\x02}q\x00('+X('state')+b'}('+state+b'u'+X('param_groups')+b'](' +group+b'eu.'
b=io.BytesIO(); z=zipfile.ZipFile(b,'w',zipfile.ZIP_STORED)
z.writestr(zipfile.ZipInfo('optimizer/data.pkl'),pkl); z.writestr(zipfile.ZipInfo('optimizer/byteorder'),'little')
for n,c in recs.items(): z.writestr(zipfile.ZipInfo('optimizer/data/'+n),c)
z.writestr(zipfile.ZipInfo('optimizer/version'),'3\n'); z.close()
optimizer=b.getvalue()


put('pickle', 'adamw', pkl)
put('optimizer', 'torch', rd('Tests/Fixtures/tiny/c0/checkpoint-4/optimizer.pt'))
put('optimizer', 'with-checksums', optimizer)
# Without them a changed byte gets past the first check.
plain = bytearray(optimizer)
for mark, place in ((b'PK\x03\x04', 14), (b'PK\x01\x02', 16)):
    at = plain.find(mark)
    while at >= 0:
        plain[at + place:at + place + 4] = bytes(4); at = plain.find(mark, at + 4)
put('optimizer', 'without-checksums', bytes(plain))

# Libraries with a manifest, and without code.
manifest = json.dumps({"schema": "clues/plugin-manifest/1", "abi_minor": 0, "name": "n", "version": "1", "vendor": None,
  "license": "MIT", "merge_methods": [{"id": "m", "summary": "s", "details": "", "reference": "", "parameters": {
    "density": {"type": "number", "default": 0.5, "minimum": 0, "exclusiveMaximum": 1, "unit": "u", "perInput": True},
    "kind": {"type": "string", "enum": ["a", "b"], "default": "a", "description": "d"},
    "n": {"type": "integer", "maximum": 9}, "f": {"type": "boolean", "default": False}},
    "minimum_inputs": 1, "maximum_inputs": None, "spaces": ["delta", "stack"], "default_space": "delta", "linear": True,
    "wants_inner_products": False, "wants_adapter_inner_products": False, "survey_passes": 0}],
  "scorers": [{"id": "s", "summary": "s", "details": "", "reference": "", "parameters": {}, "scores": "samples"}],
  "threshold_rules": [{"id": "t", "summary": "s", "details": "", "reference": "", "parameters": {}}]}).encode()
put('manifest', 'everything', manifest)
put('manifest', 'nothing', b'{"schema":"clues/plugin-manifest/1","abi_minor":0,"name":"n","version":"1","vendor":null,"license":null,"merge_methods":[],"scorers":[],"threshold_rules":[]}')
names = b'\0clues_manifest\0.dynsym\0.dynstr\0'
strings = b'\0clues_plugin_entry_v1\0hidden\0'
symbol = lambda name, info, other, index: struct.pack('<IBBHQQ', name, info, other, index, 0, 0)
symbols = symbol(0, 0, 0, 0) + symbol(1, 0x12, 0, 5) + symbol(23, 0x02, 2, 5)
parts = [(0, 0, b'', 0), (0, 3, names, 0), (1, 1, manifest, 0), (16, 11, symbols, 4), (24, 3, strings, 0)]
body, table, at = b'', b'', 64
for name, kind, content, link in parts:
    table += struct.pack('<IIQQQQIIQQ', name, kind, 0, 0, at, len(content), link, 0, 1, 0)
    body += content; at += len(content)
head = b'\x7fELF\x02\x01\x01' + bytes(9) + struct.pack('<HHIQQQIHHHHHH', 3, 62, 1, 0, 0, at, 0, 64, 0, 0, 64, len(parts), 1)
put('plugin', 'library', head + body + table)

# What a worker says: the first byte tells the kind of reader.
word = lambda n: struct.pack('<Q', n)
put('worker', 'done', b'\x00' + struct.pack('<IIQQ', 2, 0, 64, 0))
put('worker', 'log', b'\x00' + struct.pack('<IIQQ', 4, 2, 0, 0) + 'about to do it ü'.encode())
texts = lambda *pairs: b''.join(word(index) + word(len(text)) + text for index, text in pairs)
put('worker', 'columns', b'\x01' + texts((0, b'loss'), (1, b'dot.*')))
put('worker', 'reasons', b'\x01' + texts((1, b'it has no loss'), (7, b'')))
put('worker', 'nothing', b'\x01')

# Models: the smallest that there is, in both kinds of files.
put('model-config', 'llama', json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 4, "intermediate_size": 2,
  "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 3, "max_position_embeddings": 64,
  "rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
  "original_max_position_embeddings": 16}, "attention_bias": True, "mlp_bias": True, "pretraining_tp": 1}))
put('model-config', 'qwen3', json.dumps({"model_type": "qwen3", "head_dim": 8, "hidden_size": 4, "intermediate_size": 2,
  "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 3, "use_sliding_window": True,
  "sliding_window": 4, "layer_types": ["full_attention", "sliding_attention"], "rope_parameters": {"rope_type": "yarn",
  "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 16, "mscale": 1.0, "mscale_all_dim": 0.5,
  "beta_fast": 32, "beta_slow": 1, "truncate": False}}))
put('model-config', 'mistral', json.dumps({"model_type": "mistral", "hidden_size": 4, "intermediate_size": 2, "num_hidden_layers": 1,
  "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 3, "sliding_window": 8, "tie_word_embeddings": True}))
def gguf(settings, tensors):
    kinds = {int: (4, '<I'), float: (6, '<f'), bool: (7, '<B')}
    string = lambda t: word(len(t)) + t.encode()
    pairs, infos, data = b'', b'', b''
    for key, value in settings.items():
        if isinstance(value, str): pairs += string(key) + struct.pack('<I', 8) + string(value)
        elif isinstance(value, list): pairs += string(key) + struct.pack('<II', 9, 8) + word(len(value)) + b''.join(map(string, value))
        else: pairs += string(key) + struct.pack('<I', kinds[type(value)][0]) + struct.pack(kinds[type(value)][1], value)
    for name, (extents, kind, size) in tensors.items():
        data += bytes(-len(data) % 32)
        infos += string(name) + struct.pack('<I', len(extents)) + b''.join(map(word, extents)) + struct.pack('<I', kind) + word(len(data))
        data += bytes([60]) * size
    head = b'GGUF' + struct.pack('<I', 3) + word(len(tensors)) + word(len(settings)) + pairs + infos
    return head + bytes(-len(head) % 32) + data
names = {'attn_norm': [32], 'ffn_norm': [32], 'attn_q': [32, 32], 'attn_k': [32, 16], 'attn_v': [32, 16], 'attn_output': [32, 32],
  'ffn_gate': [32, 2], 'ffn_up': [32, 2], 'ffn_down': [2, 32]}
floats = lambda e: (e, 0, 4 * e[0] * (e[1] if len(e) > 1 else 1))
layer = {'blk.0.%s.weight' % n: floats(e) for n, e in names.items()}
layer['blk.0.attn_q.weight'] = ([32, 32], 8, 34 * 32)
layer['blk.0.attn_k.weight'] = ([32, 16], 3, 20 * 16)
ends = {'token_embd.weight': ([32, 3], 2, 18 * 3), 'output_norm.weight': floats([32]), 'rope_freqs.weight': floats([8])}
put('gguf', 'llama', gguf({"general.architecture": "llama", "llama.block_count": 1, "llama.context_length": 64, "llama.embedding_length": 32,
  "llama.feed_forward_length": 2, "llama.attention.head_count": 2, "llama.attention.head_count_kv": 1, "llama.rope.freq_base": 1e4,
  "llama.attention.layer_norm_rms_epsilon": 1e-5, "tokenizer.ggml.tokens": ["a", "b", "c"], "tokenizer.ggml.add_bos_token": True},
  {**ends, **layer}))

# Tokenizers: small ones of both kinds, with every part that is understood.
token = lambda i, c, **more: {"id": i, "content": c, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True, **more}
def tokenizer(vocab, merges, added=(), normalizer=None, pre=None, post=None, decoder=None, **model):
    return json.dumps({"version": "1.0", "truncation": None, "padding": None, "added_tokens": list(added), "normalizer": normalizer,
      "pre_tokenizer": pre, "post_processor": post, "decoder": decoder, "model": {"type": "BPE", "vocab": {t: i for i, t in enumerate(vocab)}, "merges": merges, **model}}).encode()
byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
split = {"type": "Split", "pattern": {"Regex": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"}, "behavior": "Isolated", "invert": False}
put('tokenizer', 'bytes', tokenizer(list('abc ĠĊ') + ['ab', '<s>'], ['a b'], [token(7, '<s>')], {"type": "NFC"}, byte_level,
  {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
   "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [7], "tokens": ["<s>"]}}}, byte_level) + b'\0ab <s>abc\n')
put('tokenizer', 'llama3', tokenizer(list('abc123') + ['ab', '12'], ['a b', ['1', '2']], [token(8, '<|x|>', lstrip=True)], None,
  {"type": "Sequence", "pretokenizers": [split, {**byte_level, "use_regex": False}]}, byte_level, byte_level, ignore_merges=True) + b"\0abc 1234 it's<|x|>")
put('tokenizer', 'pieces', tokenizer(['<unk>', '\u2581', 'a', 'b', '\u2581a', 'ab'] + ['<0x%02X>' % i for i in range(256)], ['\u2581 a', 'a b'],
  [token(0, '<unk>')], {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
  None, None, {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
  unk_token='<unk>', fuse_unk=True, byte_fallback=True) + 'a b é'.encode().join([b'\0', b'']))
put('tokenizer', 'metaspace', tokenizer(['<unk>', '\u2581', 'A', 'b'], [], [token(4, 'Ab', special=False, normalized=True, single_word=True)], {"type": "Lowercase"},
  {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True}, None, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True}, unk_token='<unk>') + b'\0Ab b')
def varint(n):
    b = b''
    while n > 127: b += bytes([n & 127 | 128]); n >>= 7
    return b + bytes([n])
field = lambda number, body: varint(number << 3 | 2) + varint(len(body)) + body
number = lambda field, value: varint(field << 3) + varint(value)
def piece(content, score, kind=1): return field(1, field(1, content.encode()) + varint(2 << 3 | 5) + struct.pack('<f', score) + (number(3, kind) if kind != 1 else b''))
pieces = piece('<unk>', 0, 2) + piece('<s>', 0, 3) + piece('</s>', 0, 3) + b''.join(piece('<0x%02X>' % i, 0, 6) for i in range(256))
pieces += piece('ab', -1) + piece('\u2581ab', -2) + piece('\u2581', -3) + piece('a', -4) + piece('b', -5) + piece('<x>', 0, 4)
training = field(2, number(3, 2) + number(35, 1) + field(46, b'<s>') + field(47, b'</s>'))
put('tokenizer-model', 'bpe', pieces + training + field(3, field(1, b'identity') + number(3, 1) + number(4, 0) + number(5, 1)))
put('tokenizer-model', 'without-bytes', piece('<unk>', 0, 2) + piece('a', -1) + field(2, number(3, 2)) + field(3, number(3, 0) + number(4, 0)))

# Samples: the template, how many tokens are kept, and a file of every form.
lines = lambda *rows: '\n'.join(json.dumps(r, ensure_ascii=False) for r in rows).encode()
put('samples', 'instruction', b'\x08\0' + lines({"instruction": "i", "input": "é", "output": "<|im_end|> o", "id": 3}, {"instruction": "", "input": "", "output": "", "id": "x", "domain": "d"}))
put('samples', 'alpaca-clues', b'\x0a\x20' + lines({"instruction": "", "input": "in", "output": "out"}))
put('samples', 'completion', b'\x09\0' + lines({"prompt": "p ", "completion": "c", "note": 1}))
put('samples', 'turns', b'\x02\0' + lines({"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "a"}]}))
talk = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "<think>\nt\n</think>\n\na"}]
for place, name in enumerate(['chatml', 'llama2', 'llama3', 'mistral', 'qwen', 'qwen2', 'qwen3', 'smollm2']):
    put('samples', name, bytes([place, 0]) + lines({"messages": talk[1:] + talk[1:]}, {"messages": talk}))
put('samples', 'sharegpt', b'\0\x09' + json.dumps([{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], "system": "s"}], indent=1).encode())
put('samples', 'text', b'\0\0\xef\xbb\xbf' + lines({"text": "t"}))
put('samples', 'tokens', b'\0\0' + lines({"input_ids": [0, 5, 6], "labels": [-100, 5, -100], "attention_mask": [0, 1, 1]}))

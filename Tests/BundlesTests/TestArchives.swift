import CArchive
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Bundles

typealias Bundle = Bundles.Bundle

/// A run of the Trainer with made-up content; Bundles never looks into adapters.
func run(steps: [Int] = [15, 30], isFinal: Bool = true, adapter name: String = "") -> Tree {
  var tree: Tree = ["README.md": "# read me", "training_args.bin": "pickle"]
  let folder = name.isEmpty ? "" : "\(name)/"
  for step in steps {
    tree["checkpoint-\(step)/\(folder)adapter_config.json"] = "{\"step\": \(step)}"
    tree["checkpoint-\(step)/\(folder)adapter_model.safetensors"] = "weights at \(step)"
    tree["checkpoint-\(step)/optimizer.pt"] = "moments at \(step)"
    tree["checkpoint-\(step)/trainer_state.json"] = "{\"global_step\": \(step)}"
    tree["checkpoint-\(step)/rng_state.pth"] = "noise"
    tree["checkpoint-\(step)/gradients/train.safetensors"] = "train gradients at \(step)"
    tree["checkpoint-\(step)/gradients/anchor.safetensors"] = "anchor gradients at \(step)"
    tree["checkpoint-\(step)/gradients/validation.medical.safetensors"] = "validation gradients at \(step)"
  }
  if isFinal {
    tree["\(folder)adapter_config.json"] = "{}"
    tree["\(folder)adapter_model.safetensors"] = "final weights"
  }
  return tree
}

extension Tree {
  func wrapped(in folder: String) -> Tree {
    Tree(uniqueKeysWithValues: map { ("\(folder)/\($0.key)", $0.value) })
  }

  func without(_ path: String) -> Tree { filter { $0.key != path } }
}

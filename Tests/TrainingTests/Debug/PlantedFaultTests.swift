#if DURE_TEST_FAULTS
    import Kernels
    import Model
    import Testing

    @testable import Training

    /// Mistakes in kernels, in builds that have them: the gradient check names the tensors that they reach, and no
    /// others.
    @Suite struct PlantedFaultTests {
        private static func check(
            _ kernel: PlantedFault.Kernel, call: Int? = nil, _ activation: Activation = .gelu,
            threads: Int = 1
        ) throws -> GradientCheckResult {
            let pool = WorkerPool(threadCount: threads)
            return try #require(
                try PlantedFault.$planted.withValue(PlantedFault(kernel, call: call)) {
                    try GradientCheck.ofTinyModel(.bert, activation, pool: pool)
                })
        }

        private static func wrong(_ result: GradientCheckResult) -> Set<String> {
            Set(result.wrongTensors.map(\.name))
        }

        private static func tensor(_ layer: Int, _ name: String) -> String {
            "bert.encoder.layer.\(layer).\(name)"
        }

        /// What backward comes to after block `layer`'s tensors from `name` on, by the order of the layout; but for
        /// the biases of keys, whose gradient is 0 whatever arrives.
        private static func before(_ layer: Int, _ name: String, _ result: GradientCheckResult) -> Set<String>
        {
            let end = result.tensors.firstIndex { $0.name == tensor(layer, name) } ?? 0
            return Set(
                result.tensors[..<end].map(\.name).filter { !$0.hasSuffix("attention.self.key.bias") })
        }

        @Test(arguments: [1, 2]) func aLayerNormsScaleIsNamedAlone(threads: Int) throws {
            // Backward begins with the last block's second LayerNorm.
            for (call, name) in [
                (0, Self.tensor(2, "output.LayerNorm.weight")),
                (3, Self.tensor(1, "attention.output.LayerNorm.weight")),
            ] {
                let result = try Self.check(.layerNormScale, call: call, threads: threads)
                #expect(Self.wrong(result) == [name])
                let mismatch = try #require(GradientMismatch(result))
                #expect(mismatch.exitCode == 70 && mismatch.description.contains("(\(name) ["))
            }
        }

        @Test func everyLayerNormIsNamedWhereTheKernelIsWrong() throws {
            let result = try Self.check(.layerNormScale)
            let names = (0..<3).flatMap { layer in
                ["output.LayerNorm.weight", "attention.output.LayerNorm.weight"].map {
                    Self.tensor(layer, $0)
                }
            }
            #expect(Self.wrong(result) == Set(names))
        }

        @Test func whatLayerNormHandsOnIsWrongFromThereOn() throws {
            let result = try Self.check(.layerNormInput, call: 2)
            #expect(Self.wrong(result) == Self.before(1, "output.LayerNorm.weight", result))
            let first = try #require(result.wrongTensors.first)
            #expect(first.name == Self.tensor(1, "output.dense.bias"))
        }

        @Test func attentionsSoftmaxIsFoundInQueriesAndKeys() throws {
            let result = try Self.check(.attentionProjection, call: 1)
            let own = ["query.weight", "query.bias", "key.weight", "key.bias"].map {
                Self.tensor(1, "attention.self.\($0)")
            }
            #expect(
                Self.wrong(result)
                    == Self.before(1, "attention.self.query.weight", result).union(own))
        }

        @Test(arguments: [Activation.gelu, .geluNew, .relu])
        func anActivationsDerivativeIsFoundBeforeIt(activation: Activation) throws {
            let result = try Self.check(.activationDerivative, call: 0, activation)
            #expect(Self.wrong(result) == Self.before(2, "output.dense.weight", result))
            #expect(result.wrongTensors.first?.name == Self.tensor(2, "intermediate.dense.bias"))
        }

        /// No sampled element need be in the row: the change of all elements finds it, and then the row.
        @Test func aRowOfADenseLayersWeightIsFound() throws {
            for (call, name) in [
                (3, Self.tensor(2, "attention.self.value.weight")),
                (5, Self.tensor(1, "intermediate.dense.weight")),
                (8, Self.tensor(0, "output.dense.weight")),
            ] {
                let result = try Self.check(.denseWeight, call: call)
                #expect(Self.wrong(result) == [name])
                let tensor = try #require(result.wrongTensors.first)
                let worst = try #require(tensor.worst)
                #expect(worst.element / tensor.shape[1] == tensor.shape[0] - 1)
                #expect(worst.gradient == 0 && worst.difference != 0)
            }
        }

        @Test func aWordThatStandsTwiceIsFound() throws {
            let result = try Self.check(.repeatedWord)
            #expect(Self.wrong(result) == ["bert.embeddings.word_embeddings.weight"])
        }

        @Test func aGradientThatIsNoNumberIsNamedByLayerAndOperation() throws {
            let step = try WatchedStep()
            // Calls go from the last block to the first.
            let error = PlantedFault.$planted.withValue(PlantedFault(.attentionNotANumber, call: 1)) {
                step.failure()
            }
            #expect(
                error?.place
                    == .operation(
                        step: 1, .queryKeyValue, layer: 0, isGradient: true, feature: step.names[0]))
            #expect(error?.value.isNaN == true && error?.exitCode == 65)
        }
    }
#endif

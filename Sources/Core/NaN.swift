extension BinaryFloatingPoint {
    /// The number, or the NaN that is written as `nan`: the sign that calculations leave in one means nothing.
    package var withoutSignOfNaN: Self { isNaN ? .nan : self }
}
